package question

// oneDifference asks for the difference between two things of which one is said to
// be, or asked how it is, different from the other.
func oneDifference(words []token) []token {
	if words[0].text != "how" || words[1].kind != be && words[1].kind != do {
		return words
	}
	middle := find(words, "different", "differ")
	if middle < 3 || middle+2 >= len(words) || words[middle+1].text != "from" && words[middle+1].text != "than" {
		return words
	}
	if !names(words[2:middle]) || !names(words[middle+2:]) {
		return words
	}
	words[0], words[1] = wordDifference, wordBetween
	words[middle] = wordAnd
	return cut(words, middle+1, middle+2)
}

// oneEffect asks how one thing affects another of which the effect on it is asked.
func oneEffect(words []token) []token {
	const has, on = "have", "on"
	if words[0].text != "what" {
		return words
	}
	switch {
	case words[1].traits&isEffect != 0 && (words[2].kind == do || words[2].kind == auxiliary):
		if have := find(words, has); have > 3 && have+2 < len(words) && words[have+1].text == on && names(words[3:have]) {
			words[have] = wordAffect
			words = cut(words, have+1, have+2)
			words[0] = wordHow
			return cut(words, 1, 2)
		}
	case words[1].kind == be && words[2].traits&isEffect != 0, words[1].kind == be && words[2].kind == article && len(words) > 6 && words[3].traits&isEffect != 0:
		of := find(words, "of")
		if of < 3 || of > 4 {
			return words
		}
		if at := find(words, on); at > of+1 && at+1 < len(words) && names(words[of+1:at]) {
			words[at] = wordAffect
			words[0], words[1] = wordHow, wordDo
			return cut(words, 2, of+1)
		}
	}
	return words
}

// sortAlternatives puts two things that are compared in one order.
func sortAlternatives(words []token) []token {
	from := 0
	switch {
	case words[0].text == "difference" && words[1].text == "between":
		from = 2
	case words[0].kind == asking && words[1].kind == be && words[2].text == "better":
		if from = 3; len(words) > 3 && words[3].text == "between" {
			words = cut(words, 3, 4)
		}
	case words[0].text == "should" && words[1].kind == person && len(words) > 5 && words[2].kind == content:
		from = 3
	default:
		return words
	}
	joint := find(words[from:], "or", "vs") + from
	if joint < from && words[0].kind != auxiliary {
		joint = find(words[from:], "and") + from
	}
	if joint <= from || joint+1 >= len(words) || !names(words[from:joint]) || !names(words[joint+1:]) {
		return words
	}
	words[joint] = wordAnd
	left, right := words[from:joint], words[joint+1:]
	if !before(right, left) {
		return words
	}
	kept := append(make([]token, 0, 8), left...)
	n := copy(words[from:], right)
	words[from+n] = wordAnd
	copy(words[from+n+1:], kept)
	return words
}

// before tells which of two names stands first where the order says nothing.
func before(a, b []token) bool {
	for i := 0; i < len(a) && i < len(b); i++ {
		if x, y := a[i].basic(), b[i].basic(); x != y {
			return x < y
		}
	}
	return len(a) < len(b)
}
