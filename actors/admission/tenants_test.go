package admission_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/actors/actortest"
	"example.com/parley/actors/admission"
	"example.com/parley/messages"
)

// newConfiguredDoor returns a gate whose providers have no limits.
func newConfiguredDoor(t *testing.T, cfg admission.Config) *door {
	t.Helper()
	d := &door{}
	d.gate = admission.NewGate(cfg, nil, d.let)
	system := actortest.NewSystem(t)
	d.gate.Attach(system.Root, actortest.Spawn(t, system, d.gate.Props()))
	return d
}

func (d *door) come(name byte, tenant messages.TenantID, class messages.Priority) *messages.StartTurn {
	m := messages.NewStartTurn(context.Background(), messages.TurnSpec{
		ID: messages.TurnID{name}, Tenant: tenant, Priority: class, Deadline: time.Now().Add(time.Minute),
	})
	m.Weight = d.weights[tenant]
	d.gate.Enter(m)
	synctest.Wait()
	return m
}

// code is how a turn was refused; empty where it was not.
func code(m *messages.StartTurn) messages.Code {
	select {
	case started := <-m.Reply:
		return messages.CodeOf(started.Err)
	default:
		return ""
	}
}

func TestTenantsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newConfiguredDoor(t, admission.Config{MaxRunning: 1, MaxWaiting: 10, TenantShare: 1})
		for _, name := range "abcd" {
			d.come(byte(name), "flood", messages.PriorityStandard)
		}
		d.come('x', "polite", messages.PriorityStandard)
		d.come('y', "polite", messages.PriorityStandard)
		for i := range 5 {
			d.end(i)
		}
		if got := d.names(); got != "abxcyd" {
			t.Errorf("let in as %q", got)
		}
	})
}

func TestHeavierTenantGetsMore(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		configured map[string]int
		set        map[messages.TenantID]int // by an operator, which the turns bring with them
	}{
		"as configured":      {configured: map[string]int{"h": 2}},
		"as an operator set": {configured: map[string]int{"l": 5}, set: map[messages.TenantID]int{"h": 2, "l": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newConfiguredDoor(t, admission.Config{MaxRunning: 1, MaxWaiting: 20, TenantShare: 1, Weights: tt.configured})
				d.weights = tt.set
				d.come('_', "", messages.PriorityInteractive)
				for range 6 {
					for _, name := range []byte("lh") {
						d.come(name, messages.TenantID(name), messages.PriorityStandard)
					}
				}
				for i := range 9 {
					d.end(i)
				}
				heavy := strings.Count(d.names()[1:10], "h")
				if heavy != 6 {
					t.Errorf("%d of 9 were the heavier's: %q", heavy, d.names())
				}
			})
		})
	}
}

func TestFloodIsRefusedWithoutHarmToOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newConfiguredDoor(t, admission.Config{MaxRunning: 1, MaxWaiting: 8, TenantShare: 0.5})
		d.come('_', "flood", messages.PriorityStandard)
		for range 4 {
			if got := code(d.come('f', "flood", messages.PriorityStandard)); got != "" {
				t.Fatalf("refused: %s", got)
			}
		}
		if err := d.gate.Look("flood", messages.PriorityStandard); messages.CodeOf(err) != messages.CodeTenantQueueFull {
			t.Errorf("it would not be refused: %v", err)
		}
		if got := code(d.come('f', "flood", messages.PriorityInteractive)); got != messages.CodeTenantQueueFull {
			t.Errorf("a fifth may wait: %q", got)
		}
		if err := d.gate.Look("polite", messages.PriorityBatch); err != nil {
			t.Error(err)
		}
		if got := code(d.come('p', "polite", messages.PriorityStandard)); got != "" {
			t.Errorf("refused: %s", got)
		}
		d.end(0)
		d.end(1)
		if got := d.names(); got[1:] != "fp" && got[1:] != "pf" {
			t.Errorf("let in as %q", got)
		}
		if d.gate.Waiting() != 3 {
			t.Errorf("%d wait", d.gate.Waiting())
		}
	})
}

func TestFullQueueMakesRoom(t *testing.T) {
	t.Parallel()
	full := func(t *testing.T) (d *door, waiting []*messages.StartTurn) {
		d = newConfiguredDoor(t, admission.Config{MaxRunning: 1, MaxWaiting: 6, TenantShare: 0.5})
		d.come('_', "a", messages.PriorityStandard)
		for _, one := range []struct {
			tenant messages.TenantID
			class  messages.Priority
		}{{"a", 1}, {"a", 1}, {"a", 1}, {"b", 2}, {"c", 2}, {"b", 2}} {
			waiting = append(waiting, d.come('w', one.tenant, one.class))
		}
		return d, waiting
	}
	t.Run("of a lower class, the newest of who has most", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			d, waiting := full(t)
			if got := code(d.come('x', "d", messages.PriorityStandard)); got != "" {
				t.Errorf("refused: %s", got)
			}
			if got := code(waiting[5]); got != messages.CodeOverloaded || d.gate.Waiting() != 6 {
				t.Errorf("the newest of b: %q, %d wait", got, d.gate.Waiting())
			}
		})
	})
	t.Run("of the same class, the newest of who has most", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			d, waiting := full(t)
			if got := code(d.come('x', "d", messages.PriorityBatch)); got != "" {
				t.Errorf("refused: %s", got)
			}
			if got := code(waiting[5]); got != messages.CodeTenantQueueFull || d.gate.Waiting() != 6 {
				t.Errorf("the newest of b: %q, %d wait", got, d.gate.Waiting())
			}
		})
	})
	t.Run("nobody who has no more than who comes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			d, _ := full(t)
			if got := code(d.come('x', "c", messages.PriorityBatch)); got != messages.CodeOverloaded || d.gate.Waiting() != 6 {
				t.Errorf("%q, %d wait", got, d.gate.Waiting())
			}
		})
	})
}

func TestTurnThatWouldWaitForAPlaceTooLongIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newConfiguredDoor(t, admission.Config{MaxRunning: 1, MaxWaiting: 100, TenantShare: 1})
		for range 20 {
			d.come('w', "a", messages.PriorityStandard)
		}
		for i := range 10 { // a place comes free every second
			time.Sleep(time.Second)
			d.end(i)
		}
		short := messages.NewStartTurn(t.Context(), messages.TurnSpec{Tenant: "a", Priority: messages.PriorityStandard, Deadline: time.Now().Add(5 * time.Second)})
		d.gate.Enter(short)
		synctest.Wait()
		f := messages.AsFailure((<-short.Reply).Err)
		if f.Code != messages.CodeOverloaded || f.RetryAfter < 2*time.Second || f.RetryAfter > 10*time.Second {
			t.Errorf("%v, after %s", f, f.RetryAfter)
		}
		if got := code(d.come('p', "polite", messages.PriorityStandard)); got != "" || d.gate.Waiting() != 10 {
			t.Errorf("%q, %d wait", got, d.gate.Waiting())
		}
	})
}
