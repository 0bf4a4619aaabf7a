package actors

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.com/parley/messages"
)

// An actor may fail so often within so long before it is stopped. A fault that
// comes back three times in seconds comes back with every restart.
const (
	maxRestarts   = 3
	restartWindow = 10 * time.Second
)

// supervision restarts the one child that failed.
func (h *health) supervision() actor.SupervisorStrategy {
	return actor.NewOneForOneStrategy(maxRestarts, restartWindow, func(any) actor.Directive {
		h.restarts.Inc()
		return actor.RestartDirective
	})
}

// Part is an actor that lives as long as the system, beside the conversations:
// a provider, the router, the tenants.
type Part struct {
	Name  string
	Props *actor.Props
}

// tree is the root actor: it spawns the parts and notices when one is gone.
type tree struct {
	health *health
	parts  map[string]*actor.PID // by name
}

// spawn asks the root for a child.
type spawn struct {
	part  Part
	reply chan<- spawned // capacity 1
}

// retire has the root stop a part that nobody misses.
type retire struct{ name string }

type spawned struct {
	pid *actor.PID
	err error
}

// Receive implements actor.Actor.
func (t *tree) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *spawn:
		pid, err := ctx.SpawnNamed(m.part.Props, m.part.Name)
		if err == nil {
			t.parts[m.part.Name] = pid
		}
		m.reply <- spawned{pid: pid, err: err}
	case *retire:
		t.retire(ctx, m.name)
	case *failPart:
		t.fail(ctx, m)
	case *actor.Stopping:
		t.health.stop()
	case *actor.Terminated:
		t.lose(m.Who.Id)
	}
}

// retire takes a part off the list before it stops, so that its end is no loss.
// One that was lost before is not missed any more.
func (t *tree) retire(ctx actor.Context, name string) {
	if pid := t.parts[name]; pid != nil {
		delete(t.parts, name)
		ctx.Stop(pid)
	}
	t.health.forget(name)
}

func (t *tree) lose(pid string) {
	if name := pid[strings.LastIndexByte(pid, '/')+1:]; t.parts[name] != nil {
		delete(t.parts, name)
		t.health.lose(name)
	}
}

// health knows which parts are gone for good. It is safe for concurrent use.
type health struct {
	restarts prometheus.Counter
	missing  prometheus.Gauge

	mu       sync.Mutex
	stopping bool
	lost     []string
}

func newHealth(registerer prometheus.Registerer) *health {
	factory := promauto.With(registerer)
	return &health{
		restarts: factory.NewCounter(prometheus.CounterOpts{
			Name: "chatbot_actor_restarts_total", Help: "Actors that were restarted after a panic.",
		}),
		missing: factory.NewGauge(prometheus.GaugeOpts{
			Name: "chatbot_actors_missing", Help: "Actors that failed too often and were stopped; above 0 the server is not ready.",
		}),
	}
}

func (h *health) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
}

func (h *health) lose(part string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.stopping {
		h.lost = append(h.lost, part)
		h.missing.Set(float64(len(h.lost)))
	}
}

func (h *health) forget(part string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost = slices.DeleteFunc(h.lost, func(lost string) bool { return lost == part })
	h.missing.Set(float64(len(h.lost)))
}

// ready returns a failure that names what is missing.
func (h *health) ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.lost) > 0 {
		return &messages.Failure{
			Code: messages.CodeOverloaded, Do: "start it again; metrics and log tell since when",
			What: fmt.Sprintf("parts of it failed more than %d times in %s and were stopped: %s", maxRestarts, restartWindow, strings.Join(h.lost, ", ")),
		}
	}
	return nil
}
