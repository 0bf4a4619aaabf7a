package messages

import "testing"

// looker counts who has left.
type looker struct {
	View

	left int
}

func (l *looker) Leave() { l.left++ }

func TestViewThatNobodyWaitsForIsLeft(t *testing.T) {
	t.Parallel()
	for name, order := range map[string]func(m *FollowTurn, v View){
		"which came late":           func(m *FollowTurn, v View) { m.GiveUp(); m.Show(v) },
		"which came in that moment": func(m *FollowTurn, v View) { m.Show(v); m.GiveUp() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, v := NewFollowTurn(ConversationRef{}, TurnID{}), &looker{}
			order(m, v)
			if v.left != 1 {
				t.Errorf("it was left %d times", v.left)
			}
		})
	}
	m, v := NewFollowTurn(ConversationRef{}, TurnID{}), &looker{}
	m.Show(v)
	if f := <-m.Reply; f.View != v || v.left != 0 {
		t.Errorf("who waits got %+v, which was left %d times", f, v.left)
	}
}
