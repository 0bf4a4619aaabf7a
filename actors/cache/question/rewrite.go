package question

import (
	"maps"
	"slices"
	"strings"
)

// group is a place in the tree of groups: what the words so far stand for, and
// which words may come next.
type group struct {
	next  []*group // in the order of their words
	word  uint16   // as tokens have it in inGroup
	whole bool     // the words so far are a group
	last  bool     // likewise, where nothing comes behind them
	to    []token
}

// groupTree are the groups that rewriteTexts has, which are read like this: "a|b" is
// one of several words, "a|b?" one that may be missing, and "$" is the end of the text.
// It returns the places of the first words, by word.
func groupTree(texts map[string]string) []*group {
	root := new(group)
	for _, from := range slices.Sorted(maps.Keys(texts)) { // in one order, should two be the same
		root.add(strings.Fields(from), split(nil, texts[from]))
	}
	byWord := make([]*group, len(wordsOf(rewriteTexts, firstTexts))+1)
	for _, g := range root.next {
		byWord[g.word] = g
	}
	return byWord
}

// add adds a group from the words that are left of it.
func (g *group) add(from []string, to []token) {
	switch {
	case len(from) == 0:
		g.whole, g.to = true, to
		return
	case from[0] == "$":
		g.last, g.to = true, to
		return
	}
	words, optional := strings.CutSuffix(from[0], "?")
	for word := range strings.SplitSeq(words, "|") {
		g.child(lexicon[word].inGroup).add(from[1:], to)
	}
	if optional {
		g.add(from[1:], to)
	}
}

// child returns the place behind another word, which it makes where there is none.
func (g *group) child(word uint16) *group {
	at, found := slices.BinarySearchFunc(g.next, word, byWord)
	if !found {
		g.next = slices.Insert(g.next, at, &group{word: word})
	}
	return g.next[at]
}

func byWord(g *group, word uint16) int { return int(g.word) - int(word) }

// longest returns the longest group that begins with the first of words, at whose place
// in the tree it is called, and how many it takes. Articles and light words within a
// group are passed over.
func (g *group) longest(words []token) (found *group, taken int) {
	if g == nil {
		return nil, 0
	}
	for i := 0; ; {
		if g.whole || g.last && i == len(words)-1 {
			found, taken = g, i+1
		}
		for i++; ; i++ {
			if i == len(words) {
				return found, taken
			}
			if word := words[i].inGroup; word != 0 {
				if at, is := slices.BinarySearchFunc(g.next, word, byWord); is {
					g = g.next[at]
					break
				}
			}
			if words[i].kind != article && words[i].traits&isLight == 0 {
				return found, taken
			}
		}
	}
}

// rewritten has groups of words replaced, in place, and light words left out. What
// stands for a group is never longer.
func rewritten(words []token) []token {
	out, first := words[:0], true
	for i := 0; i < len(words); {
		found, taken := (*group)(nil), 0
		if word := words[i].inGroup; word != 0 {
			if first {
				found, taken = firstGroups[word].longest(words[i:])
			}
			if found == nil {
				found, taken = groups[word].longest(words[i:])
			}
		}
		switch {
		case found != nil:
			out = append(out, found.to...)
		case words[i].traits&isLight == 0:
			out = append(out, words[i])
		}
		first = first && words[i].traits&isLight != 0
		taken = max(taken, 1)
		i += taken
	}
	return out
}

// groups may stand anywhere, firstGroups at the beginning of a text.
var groups, firstGroups = groupTree(rewriteTexts), groupTree(firstTexts)

// wordsOf are the words of groups, each once.
func wordsOf(texts ...map[string]string) (words []string) {
	for _, t := range texts {
		for from := range t {
			for slot := range strings.FieldsSeq(from) {
				words = append(words, strings.Split(strings.TrimSuffix(slot, "?"), "|")...)
			}
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}
