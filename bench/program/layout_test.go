package program

import "testing"

func TestServerHasACoreToItself(t *testing.T) {
	t.Parallel()
	if l := LayoutOf([]int{3, 4, 5}); len(l.Server) != 1 || l.Server[0] != 3 || len(l.Others) != 2 {
		t.Errorf("%+v", l)
	}
	if l := LayoutOf([]int{3}); len(l.Server) != 1 || len(l.Others) != 1 {
		t.Errorf("%+v", l)
	}
}
