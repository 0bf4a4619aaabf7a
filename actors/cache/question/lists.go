package question

import "strings"

// The lists are closed classes of English words, and pairs that every thesaurus
// has. They are no list of questions: what a list does not know is compared
// letter by letter.

var kinds = func() map[string]kind {
	all := make(map[string]kind, 256)
	for k, words := range map[kind]string{
		article:     "a an the some any",
		asking:      "what which who whom whose when where why how",
		auxiliary:   "can could should would will shall may might must ought",
		be:          "is are am was were be been being",
		do:          "do does did done doing have has had having get gets got",
		person:      "i you he she it we they me him us them my your his its our their mine yours ours theirs myself yourself himself itself ourselves themselves one someone somebody anyone anybody everyone everybody people this that these those here there her hers",
		preposition: "of in on at to for from by with without about into onto over under above below between against through during before after since until within out off up down than as like",
		joint:       "and or but if so because while though although whether then",
		negation:    "not no never none nobody nothing neither nor cannot n't",
	} {
		for word := range strings.FieldsSeq(words) {
			all[word] = k
		}
	}
	return all
}()

// places are prepositions that the words around them make plain; where a match is
// loose, those of loosePlaces are.
var (
	places      = setOf("of in at")
	loosePlaces = setOf("of in at for")
)

// owner are words for whose something is, which a way to do it does not turn on.
var owner = setOf("my your our")

var numerals = map[string]string{
	"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11",
	"twelve": "12", "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "hundred": "100", "thousand": "1000",
	"second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th",
}

var thanks = setOf("please thanks thank you pls")

// light words may stand in a question or not.
var light = setOf("exactly actually really just also basically simply kindly please literally ever even quite still")

var contractions = func() map[string]string {
	all := map[string]string{
		"can't": "can not", "cant": "can not", "cannot": "can not", "won't": "will not", "wont": "will not",
		"shan't": "shall not", "ain't": "is not", "i'm": "i am", "im": "i am", "let's": "let us", "wanna": "want to", "gonna": "going to",
		"gotta": "got to", "whats": "what is", "hows": "how is", "wheres": "where is", "whos": "who is", "thats": "that is", "y'all": "you",
	}
	for word := range strings.FieldsSeq("what who where when why how that it there he she here") {
		all[word+"'s"] = word + " is"
	}
	for word := range strings.FieldsSeq("do does did is are was were has have had would could should must might need") {
		all[word+"n't"] = word + " not"
		if word != "were" && word != "need" {
			all[word+"nt"] = word + " not"
		}
	}
	for word := range strings.FieldsSeq("you we they who what") {
		all[word+"'re"] = word + " are"
	}
	for word := range strings.FieldsSeq("i you we they should would could might must") {
		all[word+"'ve"] = word + " have"
	}
	for word := range strings.FieldsSeq("i you we they he she it that there") {
		all[word+"'ll"] = word + " will"
	}
	return all
}()

var courtesies = phrases(
	"please", "pls", "kindly", "hi", "hey", "hello", "hi there", "hello there", "hey there", "dear", "ok", "okay", "thanks", "thank you",
	"quick question", "a quick question", "one question", "question", "excuse me", "sorry",
	"tell me", "let me know", "do you know", "any idea", "i wonder", "i was wondering", "i am wondering",
	"i want to know", "i would like to know", "i need to know", "i have a question", "i have a quick question", "just a quick question",
	"can you tell me", "could you tell me", "would you tell me", "will you tell me", "can you tell", "could you tell",
	"can you please tell me", "could you please tell me", "would you please tell me", "can anyone tell me", "can anyone tell", "can someone tell me", "can somebody tell me",
	"would you mind telling me", "may i ask", "can i ask", "i would like to ask", "can i ask you",
	"can you please", "could you please", "would you please", "will you please", "can you kindly", "could you kindly",
)

// howToFrames are ways to ask for a way to do something.
var howToFrames = [][]slot{
	frame("how", "do|can|could|should|would|might|may", "i|you|we|one|someone|somebody|anyone|people"),
	frame("how", "to"),
	frame("what|which", "is|are|was", "the|a|some|any?", "best|good|better|right|proper|correct?", "way|ways|method|methods|steps|process|procedure", "to"),
	frame("what", "should|can|could|must|would|do", "i|you|we|one", "do", "to"),
}

// anybody are the persons of questions that are of people in general.
var anybody = map[string]string{
	"you": "i", "we": "i", "one": "i", "someone": "i", "somebody": "i", "anyone": "i", "people": "i", "me": "me", "us": "me",
	"your": "my", "our": "my", "yours": "mine", "ours": "mine", "yourself": "myself", "ourselves": "myself",
}

// sameForm makes number alike, and never tense.
var sameForm = map[string]string{"are": "is", "am": "is", "were": "was", "does": "do", "has": "have", "gets": "get"}

var isSubject = setOf("i you we they he she it one people")

// synonyms name for a word the one that stands for all that mean the same.
var synonyms = groups(
	"photo photograph picture pic image", "buy purchase", "movie film", "begin start", "fast quick rapid", "quickly rapidly",
	"car automobile", "mother mom mum mommy", "father dad daddy", "child kid", "phone telephone", "cellphone smartphone",
	"large big huge", "small little tiny", "good best great top finest", "bad poor", "worst poorest",
	"become be", "job employment", "error mistake", "answer reply", "fix repair", "choose select pick", "sofa couch",
	"usa us u.s america", "uk britain", "make create", "pc computer", "email mail e-mail", "app application",
	"cost price", "cheap inexpensive", "rich wealthy", "gift present", "shop store", "road street", "end finish",
	"increase raise", "reduce decrease lower", "delete erase", "show display", "wish desire", "ill sick",
	"main major primary", "main chief", "difference distinction", "benefit advantage", "drawback disadvantage", "method way technique",
	"guy man", "lady woman", "exam examination", "maths math mathematics", "ad advertisement", "info information", "bike bicycle",
	"percent percentage", "hi hello", "sign signal", "learn study", "weird strange", "possible feasible", "whole entire", "hard difficult", "easy simple",
	"favorite favourite", "behavior behaviour", "color colour", "labor labour", "center centre", "theater theatre", "neighbor neighbour", "organization organisation",
	"realize realise", "organize organise", "recognize recognise", "program programme", "license licence", "defense defence", "gray grey", "tire tyre", "traveling travelling",
)

func setOf(words string) map[string]bool {
	set := make(map[string]bool)
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

func phrases(list ...string) (out [][]string) {
	for _, phrase := range list {
		out = append(out, strings.Fields(phrase))
	}
	return out
}

func groups(list ...string) map[string]string {
	all := make(map[string]string)
	for _, group := range list {
		words := strings.Fields(group)
		for _, word := range words {
			if _, taken := all[word]; !taken {
				all[word] = words[0]
			}
		}
	}
	return all
}

// slot is a place in a frame, for one of several words.
type slot struct {
	words    map[string]bool
	optional bool
}

func frame(slots ...string) (out []slot) {
	for _, s := range slots {
		words, optional := strings.CutSuffix(s, "?")
		out = append(out, slot{setOf(strings.ReplaceAll(words, "|", " ")), optional})
	}
	return out
}
