package provider

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"example.com/parley/messages"
)

func TestMetricsCountCallsByOutcomeAndKnownModel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.registry.MustRegister(newCollector(newProvidersOf(b.handle)))
		_ = b.call()
		b.upstream.set(func(s *scripted) {
			s.fail = &messages.Failure{Code: messages.CodeProviderLimited, RetryAfter: time.Millisecond}
		})
		_ = b.call()
		synctest.Wait()
		time.Sleep(time.Millisecond)
		b.fail(5)
		b.command(b.handle.Drain)
		for name, want := range map[string]float64{
			`chatbot_provider_attempts_total{outcome="success",provider="p"}`:     1,
			`chatbot_provider_attempts_total{outcome="failed",provider="p"}`:      5,
			`chatbot_provider_breaker_state{provider="p"}`:                        2,
			`chatbot_provider_breaker_reason{provider="p",reason="failed"}`:       1,
			`chatbot_provider_breaker_opened_total{provider="p",reason="failed"}`: 1,
			`chatbot_provider_next_probe_timestamp_seconds{provider="p"}`:         float64(b.handle.Snapshot().NextProbe.UnixMilli()) / 1000,
			`chatbot_provider_drained{provider="p"}`:                              1,
			`chatbot_provider_parked_models{provider="p"}`:                        0,
			`chatbot_provider_in_flight{provider="p"}`:                            0,
			`chatbot_provider_connections{provider="p",state="idle"}`:             2,
		} {
			if got := gauge(t, b.registry, name); got != want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
	})
}

// gauge reads one counter or gauge by its name and labels.
func gauge(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := ""
			for i, label := range metric.GetLabel() {
				if i > 0 {
					labels += ","
				}
				labels += label.GetName() + `="` + label.GetValue() + `"`
			}
			if family.GetName()+"{"+labels+"}" == name {
				return metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

func TestModelLabelIsOneOfThoseThatAreKnown(t *testing.T) {
	t.Parallel()
	shared := newMetrics(prometheus.NewRegistry())
	p := shared.of("p", []string{"gpt-4o", "gpt-4o-mini", "o3"})
	for model, label := range map[string]string{
		"gpt-4o": "gpt-4o", "gpt-4o-2024-08-06": "gpt-4o", "gpt-4o-mini": "gpt-4o-mini", "gpt-4o-mini-2024-07-18": "gpt-4o-mini",
		"gpt-4omega": otherModel, "what the client likes": otherModel, "": otherModel,
	} {
		if got := p.label(model); got != label {
			t.Errorf("%q counts as %s, want %s", model, got, label)
		}
		p.ended(model, messages.Outcome{Kind: messages.OutcomeSuccess, Total: time.Second})
	}
	if n := testutil.CollectAndCount(shared.latency); n != 3 {
		t.Errorf("%d labels, want those of the models that were called", n)
	}
}
