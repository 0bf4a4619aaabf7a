package index

import "example.com/parley/actors/cache/question"

// Alike are entries whose questions have loosely the same words as another.
type Alike struct {
	entries [mostAlike]*Entry
	count   int
}

// mostAlike is how many are compared: who has more than that is asked for the same
// thing over and over, under rules that keep each reply from serving the next.
const mostAlike = 8

// Alike returns the entries of a space whose questions have loosely the same words
// (question.SameLoosely), and for which accept is true. It looks at three places,
// however many entries there are: since at most one word may be another, which has
// the same letters or the same root, all that match agree in their forms, in their
// letters or in their roots.
func (x *Index) Alike(space uint64, loose []question.Word, accept func(*Entry) bool) (found Alike) {
	if len(loose) == 0 {
		return found
	}
	take := func(e *Entry) bool {
		if e.Space == space && !found.has(e) && question.SameLoosely(loose, e.Loose) && accept(e) {
			found.entries[found.count] = e
			found.count++
		}
		return found.count == mostAlike
	}
	if x.byWords.find(within(space, question.Forms(loose)), take) != nil {
		return found
	}
	if letters := within(space, question.Letters(loose)); letters != 0 && x.byLetters.find(letters, take) != nil {
		return found
	}
	if roots := within(space, question.Roots(loose)); roots != 0 {
		x.byRoots.find(roots, take)
	}
	return found
}

func (a *Alike) has(e *Entry) bool {
	for _, other := range a.entries[:a.count] {
		if other == e {
			return true
		}
	}
	return false
}

// None tells whether there is none.
func (a *Alike) None() bool { return a.count == 0 }

// Nearest returns the one that is nearest to a point, and its cosine, which is at
// least cut; or nil.
func (a *Alike) Nearest(to Point, cut float32) (best *Entry, cosine float32) {
	for _, e := range a.entries[:a.count] {
		if c := to.Cosine(e.At); !e.At.None() && c >= cut && (best == nil || c > cosine) {
			best, cosine = e, c
		}
	}
	return best, cosine
}
