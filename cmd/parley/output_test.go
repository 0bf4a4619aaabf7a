package main

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/actors/provider"
	"example.com/parley/actors/router"
	"example.com/parley/actors/tenant"
	"example.com/parley/messages"
)

func TestUsageIsPrintedWithItsSum(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	report := messages.UsageReport{Lines: []messages.UsageTotal{
		{Tenant: "a", Provider: "openai", Model: "gpt-5", Attempts: 2, Usage: messages.Usage{Input: 10, Cached: 4, Output: 20, Reasoning: 5}, Cost: 1_500_000_000, Saved: 500_000_000},
		{Tenant: "b", Attempts: 1, Cost: 2500, Unpriced: 1},
	}}
	report.Sum = report.Lines[0]
	report.Sum.Add(&report.Lines[1])
	err := printUsage(&out, []messages.UsageGroup{messages.ByTenant, messages.ByProvider, messages.ByModel}, &report)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimLeft(`
TENANT  PROVIDER  MODEL  ATTEMPTS  INPUT  CACHED  OUTPUT  REASONING  WITHOUT CACHE  COST       SAVED  %
a       openai    gpt-5  2         10     4       20      5          $2.00          $1.50      $0.50  25.0
b       -         -      1         0      0       0       0          $0.000003      $0.000003  $0.00  0.0
total   -         -      3         10     4       20      5          $2.000003      $1.500003  $0.50  25.0

1 attempt had no price and count as free: name their models in the section prices.
`, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDollars(t *testing.T) {
	t.Parallel()
	for amount, want := range map[messages.NanoDollars]string{
		0: "$0.00", 1: "$0.00", 500: "$0.000001", 10_000_000: "$0.01", 123_000_000: "$0.123", 5_000_000_000: "$5.00", 1_234_567_890_123: "$1234.56789",
	} {
		if got := dollars(amount); got != want {
			t.Errorf("dollars(%d) is %s, want %s", amount, got, want)
		}
	}
}

func TestKeysArePrintedWithTheirState(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	err := printKeys(&out, []messages.APIKey{
		{ID: "a", Role: messages.KeyAdmin, Created: now},
		{ID: "b", Tenant: "t", Role: messages.KeyMember, Name: "laptop", Created: now, Expires: now.Add(time.Hour)},
		{ID: "c", Tenant: "t", Role: messages.KeyMember, Created: now, Expires: now},
		{ID: "d", Tenant: "t", Role: messages.KeyMember, Created: now, Revoked: now},
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimLeft(`
KEY  TENANT  ROLE    NAME    CREATED              EXPIRES              USED   STATE                        CLASS     SCOPES  MODELS  PROVIDERS
a    -       admin   -       2030-01-31 12:00:00  never                never  good                         standard  all     all     all
b    t       member  laptop  2030-01-31 12:00:00  2030-01-31 13:00:00  never  good                         standard  all     all     all
c    t       member  -       2030-01-31 12:00:00  2030-01-31 12:00:00  never  expired                      standard  all     all     all
d    t       member  -       2030-01-31 12:00:00  never                never  revoked 2030-01-31 12:00:00  standard  all     all     all
`, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMomentsAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		written   string
		direction time.Duration
		want      time.Time
	}{
		{"2030-02-01", forward, time.Date(2030, 2, 1, 0, 0, 0, 0, time.UTC)},
		{"2030-02-01 06:30:00", forward, time.Date(2030, 2, 1, 6, 30, 0, 0, time.UTC)},
		{"2030-02-01T06:30:00+02:00", forward, time.Date(2030, 2, 1, 4, 30, 0, 0, time.UTC)},
		{"90d", forward, now.Add(90 * 24 * time.Hour)},
		{"12h", backward, now.Add(-12 * time.Hour)},
	} {
		got, err := moment("from", test.written, now, test.direction)
		if err != nil || !got.Equal(test.want) {
			t.Errorf("%s is %s (%v), want %s", test.written, got, err, test.want)
		}
	}
	for _, written := range []string{"soon", "-1h", "0d", "d", "1e9d", "2030-13-01"} {
		if got, err := moment("from", written, now, backward); err == nil {
			t.Errorf("%s is read as %s", written, got)
		}
	}
}

func TestKeyIsNamedByWhateverOfItIsAtHand(t *testing.T) {
	t.Parallel()
	for _, given := range []string{"abc", "pk_abc", "pk_abc_secret"} {
		if got := keyID(given); got != "abc" {
			t.Errorf("%s names %q", given, got)
		}
	}
}

func TestErrorsTellWhatToDo(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"parley: broken\n": errors.New("broken"),
		"parley: it is locked\n  cause: broken\n  to do: unlock it\n": &messages.Failure{What: "it is locked", Do: "unlock it", Cause: errors.New("broken")},
		"parley: it is locked\n": &messages.Failure{What: "it is locked"},
	} {
		var out bytes.Buffer
		showError(&out, err)
		if out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	}
}

func TestGreetingNamesAModelThatAnswers(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Config{
		"simulated/hello":  {},
		"gpt-5-mini":       {Providers: provider.Config{"openai": {}}},
		"claude-haiku-4-5": {Providers: provider.Config{"anthropic": {}}},
		"openai/mine":      {Providers: provider.Config{"openai": {Models: []string{"mine"}}}},
		"local/llama":      {Providers: provider.Config{"local": {BaseURL: "http://127.0.0.1:11434/v1", Models: []string{"llama"}}}},
		"assistant":        {Providers: provider.Config{"openai": {}}, Models: router.Config{"assistant": {Targets: []router.Step{{Target: "openai/gpt-5"}}}}},
	} {
		c.Providers = c.Providers.Complete()
		if got := modelToTry(&c); got != want {
			t.Errorf("the model is %s, want %s", got, want)
		}
	}
}

func TestGreetingIsReadyToPaste(t *testing.T) {
	t.Parallel()
	secret, err := tenant.ParseSecret("pk_a_b")
	if err != nil {
		t.Fatal(err)
	}
	g := greeting{url: "http://127.0.0.1:8080", admin: "127.0.0.1:8081", data: "data", model: "simulated/hello", first: first{key: secret}}
	text := g.text("pk_a_b")
	for _, want := range []string{
		`  curl http://127.0.0.1:8080/v1/chat/completions -H "Authorization: Bearer pk_a_b" -H "Content-Type: application/json" -d '{"model": "simulated/hello", "messages": [{"role": "user", "content": "Hello!"}]}'` + "\n",
		`  export OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY="pk_a_b"` + "\n",
		"another one: parley key create\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no\n%s in\n%s", want, text)
		}
	}
	g.demo, g.data = true, "/var/lib/my data"
	for _, want := range []string{"Demo:", "parley key create --data '/var/lib/my data'\n"} {
		if text := g.text(""); !strings.Contains(text, want) || strings.Contains(text, "curl") {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
}

func TestAddressesForAnybodyAreReachedOnThisMachine(t *testing.T) {
	t.Parallel()
	for want, address := range map[string]net.Addr{
		"127.0.0.1:80": &net.TCPAddr{IP: net.IPv4zero, Port: 80},
		"127.0.0.1:81": &net.TCPAddr{IP: net.IPv6unspecified, Port: 81},
		"10.0.0.1:82":  &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 82},
	} {
		if got := reachable(address); got != want {
			t.Errorf("%s is reached at %s, want %s", address, got, want)
		}
	}
}

func TestVersionNamesTheCommit(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]version{
		"v1.2.3":                                {Module: "v1.2.3"},
		"(devel) commit 0123456789ab (changed)": {Module: "(devel)", Commit: "0123456789abcdef", Dirty: true},
	} {
		if got := v.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if status, out, _ := carryOut(nil, "version"); status != 0 || !strings.HasPrefix(out, "parley ") {
		t.Errorf("status %d: %s", status, out)
	}
}
