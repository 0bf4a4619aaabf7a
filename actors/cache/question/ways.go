package question

import (
	"slices"
	"strings"
)

// way is what is asked of doing something, in whatever words. It is asked of people
// in general.
type way struct {
	form   uint32
	frames [][]slot
}

// slot is a place in a frame, for one of several words.
type slot struct {
	words    []string
	optional bool
	doing    bool // what is done stands there, and is no word of the frame
}

// frame reads a frame: "how", "do|can|should", "i|you". One that ends in "?" may be
// missing, and "-ing" is what is done.
func frame(slots ...string) (out []slot) {
	for _, s := range slots {
		words, optional := strings.CutSuffix(s, "?")
		out = append(out, slot{words: strings.Split(words, "|"), optional: optional, doing: s == "-ing"})
	}
	return out
}

const (
	someone   = "i|you|we|one|someone|somebody|anyone"
	method    = "way|ways|method|methods"
	articles  = "the|a|an|some|any?"
	fitting   = "best|good|better|right|proper|correct|ideal|effective|efficient?"
	procedure = method + "|steps|process|procedure|tips"
)

// ways are those of which there are several.
var ways = []way{
	{hashOf("how to"), [][]slot{
		frame("how", "do|does|can|could|should|would|might|may", someone, "go", "about", "-ing"),
		frame("how", "do|does|can|could|should|would|might|may", someone, "best?"),
		frame("how", "to"),
		frame("is|are", "there", "a|any|some?", "best|good|better?", method, "to"),
		frame("what|which", "is|are|was", articles, "most?", fitting, procedure, "to"),
		frame("what|which", "is|are|was", articles, "most?", fitting, procedure, "of|for|on", "-ing"),
		frame("what", "should|can|could|must|would|do", "i|you|we|one", "do", "to"),
		frame("what", "do|would|should", "i|you|we|one", "need|have", "to", "do", "to"),
		frame("how", "is|was", "it", "possible", "to"),
		frame("is|are", "there", "a|any|some?", "best|good|better?", method, "i|you|we|one", "can|could"),
		frame("any?", "tips|advice|suggestions", "to"),
		frame("any?", "tips|advice|suggestions", "on|for", "-ing"),
	}},
	{hashOf("can one"), [][]slot{
		frame("can|could", "i|we|one|someone|somebody|anyone|anybody|people"),
		frame("is|was", "it", "possible", "to"),
		frame("is|was", "it", "possible", "for", "me|us|one|someone|somebody|anyone|anybody|people", "to"),
		frame("is|was", "it", "possible", "that", "i|we|one|someone|somebody|anyone|anybody|people", "can|could"),
	}},
	{hashOf("what like"), [][]slot{
		frame("what", "like", "to"),
		frame("what|how", "is|was", "it", "like", "-ing"),
	}},
	{hashOf("where to"), [][]slot{
		frame("where", "can|could|should", someone),
		frame("where", "do|does", "i|we|one|someone"),
		frame("where", "to"),
		frame("what|where", "is|are", "the|a|some?", "best|good?", "place|places", "to"),
	}},
	{hashOf("when to"), [][]slot{
		frame("when", "should", someone),
		frame("what|when", "is", "it?", "the|a?", "best|good|right|ideal", "time", "to"),
	}},
	{hashOf("what to do if"), [][]slot{frame("what", "do", "if")}},
}

// framed tells how a text begins to ask, and how many words that takes.
func framed(words []token) (*way, int) {
	for i := range ways {
		for _, f := range ways[i].frames {
			if taken := matches(words, f); taken > 0 {
				return &ways[i], taken
			}
		}
	}
	return nil, 0
}

// matches tells how many words a frame takes; 0 where it is another.
func matches(words []token, frame []slot) (taken int) {
	for i := range frame {
		s := &frame[i]
		switch {
		case s.doing:
			if taken == len(words) || words[taken].kind != content || !strings.HasSuffix(words[taken].text, "ing") {
				return 0
			}
		case taken < len(words) && slices.Contains(s.words, words[taken].text):
			taken++
		case !s.optional:
			return 0
		}
	}
	return taken
}

// asked is what somebody wants to do, the verb without its ending and how fast or
// easily it shall be done at the end.
func (f *way) asked(words []token) []token {
	if len(words) < 2 {
		return words
	}
	words = hurried(words)
	switch first := &words[0]; {
	case first.kind == content && first.text != "be":
		if isLearning[first.text] && isClause[words[1].text] {
			*first = wordKnow
			if words[1].text == "when" || words[1].text == "that" {
				words[1] = wordIf
			}
		}
		if first.text == "become" {
			*first = word("be")
			break
		}
		*first = infinitive(*first)
	case first.text == "being":
		first.text = "be"
	case first.text == "having":
		first.text = "have"
	case first.text == "doing":
		first.text = "do"
	}
	return words
}

// To learn something is to see, to check or to know it, where a clause says what.
var (
	isLearning       = setOf("know tell see check find discover learn")
	isClause         = setOf("if when that who what which where")
	wordKnow, wordIf = word("know"), word("if")
)

// hurried puts "quickly" and "easily" at the end, and leaves out that it is to be done
// well.
func hurried(words []token) []token {
	if len(words) > 2 && words[0].traits&isWell != 0 {
		words = words[1:]
	}
	if len(words) > 2 && words[len(words)-1].traits&isWell != 0 {
		words = words[:len(words)-1]
	}
	if s, last := words[0].text, len(words)-1; s == "easily" || s == "quickly" {
		how := words[0]
		copy(words, words[1:])
		words[last] = how
	} else if t := words[last].text; last > 0 && (t == "fast" || t == "quick" || t == "rapidly") {
		words[last] = wordQuickly
	}
	return words
}

var wordQuickly = word("quickly")

// owned tells of a word that says whose something is, which a way to do it does not
// turn on.
func owned(words []token, i int) bool {
	t := &words[i]
	return t.traits&isOwner != 0 || i+1 < len(words) && t.text == "their" && words[i+1].text == "own" ||
		i > 0 && i+1 < len(words) && t.text == "own" && (words[i-1].traits&isOwner != 0 || words[i-1].text == "their")
}

// infinitive is a verb without its ending, or the one that stands for it.
func infinitive(verb token) token {
	s := stem(verb.text)
	if s == verb.text || verb.traits&hasSynonym != 0 {
		return verb
	}
	if k, found := lexicon[s]; found && k.traits&hasSynonym != 0 {
		return k.token(s)
	}
	if strings.HasSuffix(verb.text, "ing") {
		if k, found := lexicon[s+"e"]; found && k.traits&hasSynonym != 0 {
			return k.token(s + "e")
		}
	}
	return token{text: s, kind: content}
}

// spoken finds the "do" of a question, which some leave out or put elsewhere: "why
// (do) owls hoot". It returns the words without it, and whether there may be one.
func spoken(words []token) (rest []token, mayDo bool) {
	if len(words) < 3 || words[0].kind != asking || words[0].text == "who" || words[0].text == "whom" {
		return words, false
	}
	words = notSo(words)
	for i := 1; i <= 3 && i+2 < len(words); i++ {
		if t := words[i].text; t == "do" || t == "does" {
			return cut(words, i, i+1), true
		}
		if words[i].kind != content {
			break
		}
	}
	return words, !words[1].helps() && words[1].kind != do
}

// notSo leaves out how much it is of which the reason is asked: "why is Bern (so) wet".
func notSo(words []token) []token {
	if words[0].text != "why" {
		return words
	}
	if so := find(words, "so"); so > 1 && so+1 < len(words) && words[so+1].kind == content && words[so+1].text != "many" && words[so+1].text != "much" {
		return cut(words, so, so+1)
	}
	return words
}

// ofAnybody tells of questions that ask what one should do.
func ofAnybody(words []token) bool {
	at := find(words, "should")
	if at < 1 || at+1 >= len(words) || words[0].kind != asking {
		return false
	}
	who := words[at+1].text
	return who == "i" || anybody[who] == "i"
}

// ofTwo tells of questions of what passes between who asks and who is asked, which are
// not of people in general: "what can I do to help you".
func ofTwo(words []token) bool {
	asks, asked := false, false
	for i := range words {
		asks = asks || words[i].kind == person && isAsking[words[i].text]
		asked = asked || words[i].kind == person && isAsked[words[i].text]
	}
	return asks && asked
}

var isAsking, isAsked = setOf("i me my mine myself we us our ours ourselves"), setOf("you your yours yourself")
