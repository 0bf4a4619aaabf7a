package settings

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest returns those of the names that somebody may have meant by s, the
// likeliest first, and at most three.
func Nearest(s string, known []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	for _, name := range known {
		distance := editDistance(strings.ToLower(s), strings.ToLower(name))
		if distance <= 1+min(len(s), len(name))/4 || strings.HasSuffix(name, "."+s) {
			near = append(near, candidate{name, distance})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	if len(near) > 0 && near[0].distance > 0 { // beside one that is a slip away nobody means what takes several
		near = slices.DeleteFunc(near, func(c candidate) bool {
			return c.distance > 2*near[0].distance+2 && !strings.HasSuffix(c.name, "."+s)
		})
	}
	const shown = 3
	found := make([]string, 0, shown)
	for _, c := range near[:min(shown, len(near))] {
		found = append(found, c.name)
	}
	return found
}

// editDistance counts the characters to insert, remove, replace, or swap with
// their neighbour on the way from a to b (optimal string alignment).
func editDistance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := 1
			if a[i-1] == b[j-1] {
				replace = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// enumerate joins names as a sentence does: a, b and c.
func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// either joins names of which one is meant: a, b or c.
func either(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func names(keys []*key) []string {
	all := make([]string, len(keys))
	for i, k := range keys {
		all[i] = k.name
	}
	return all
}
