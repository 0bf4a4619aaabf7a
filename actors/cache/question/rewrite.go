package question

import (
	"maps"
	"slices"
	"strings"
)

// group is a place in the tree of groups: what the words so far stand for, and
// which words may come next.
type group struct {
	next  map[string]*group
	to    []token
	whole bool // the words so far are a group
	last  bool // likewise, where nothing comes behind them
}

// groupTree are the groups that rewriteTexts has, which are read like this: "a|b" is
// one of several words, "a|b?" one that may be missing, and "$" is the end of the text.
func groupTree(texts map[string]string) *group {
	root := new(group)
	for _, from := range slices.Sorted(maps.Keys(texts)) { // in one order, should two be the same
		root.add(strings.Fields(from), split(nil, texts[from]))
	}
	return root
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
		if g.next == nil {
			g.next = make(map[string]*group)
		}
		if g.next[word] == nil {
			g.next[word] = new(group)
		}
		g.next[word].add(from[1:], to)
	}
	if optional {
		g.add(from[1:], to)
	}
}

// longest returns the longest group at the beginning of words, and how many it
// takes. Articles and light words within a group are passed over.
func (g *group) longest(words []token) (found *group, taken int) {
	for i := range words {
		next := g.next[words[i].text]
		switch {
		case next != nil:
			g = next
		case words[i].kind != article && words[i].traits&isLight == 0 || i == 0:
			return found, taken
		default:
			continue
		}
		if g.whole || g.last && i == len(words)-1 {
			found, taken = g, i+1
		}
	}
	return found, taken
}

// rewritten has groups of words replaced, in place, and light words left out. What
// stands for a group is never longer.
func rewritten(words []token) []token {
	out, first := words[:0], true
	for i := 0; i < len(words); {
		found, taken := (*group)(nil), 0
		if words[i].traits&startsGroup != 0 {
			if first {
				found, taken = firstGroups.longest(words[i:])
			}
			if found == nil {
				found, taken = groups.longest(words[i:])
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

// startsOf are the words that groups begin with.
func startsOf(texts ...map[string]string) (words []string) {
	for _, t := range texts {
		for from := range t {
			first, _, _ := strings.Cut(from, " ")
			words = append(words, strings.Split(strings.TrimSuffix(first, "?"), "|")...)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}
