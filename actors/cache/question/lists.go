package question

import "strings"

// The lists are closed classes of English words, and pairs that every thesaurus
// has. They are no list of questions: what a list does not know is compared
// letter by letter.

// trait is something about a word beside its kind.
type trait uint16

const (
	isPlace      trait = 1 << iota // a preposition that the words around it make plain
	isLoosePlace                   // likewise, where a match is loose
	isLight                        // may stand in a question or not
	isOwner                        // whose something is, which a way to do it does not turn on
	isSubject                      // a person that does something
	isInText                       // points at a place in the text
	isPassing                      // of which the answer will be another one soon
	isOperation                    // asks to calculate
	isPraise                       // asks for the best, wherever it stands
	isWell                         // how everything is done that is done at all
	isEffect                       // what one thing has on another
	isIrregular                    // a plural that no rule takes apart
	hasSynonym
)

// known is what the lists say of a word.
type known struct {
	kind    kind
	traits  trait
	digits  string   // of a numeral
	whole   []string // of a contraction
	inGroup uint16   // which of the words of groups it is; 0 of all others
}

var kinds = map[kind]string{
	article:     "a an the some any",
	asking:      "what which who whom whose when where why how",
	auxiliary:   "can could should would will shall may might must ought",
	be:          "is are am was were be been being",
	do:          "do does did done doing have has had having get gets got gotten",
	person:      "i you he she it we they me him us them my your his its our their mine yours ours theirs myself yourself himself itself ourselves themselves one someone somebody anyone anybody everyone everybody people this that these those here there her hers",
	preposition: "of in on at to for from by with without about into onto over under above below between against through during before after since until within out off up down than as like",
	joint:       "and or but if so because while though although whether then",
	negation:    "not no never none nobody nothing neither nor cannot n't",
}

var traits = map[trait]string{
	isPlace:      "of in at",
	isLoosePlace: "of in at for on",
	isLight:      "exactly actually really also basically simply kindly please literally ever quite various several truly generally usually normally typically completely totally absolutely just",
	isOwner:      "my your our",
	isSubject:    "i you we they he she it one people",
	isInText:     "below above following attached previous aforementioned",
	isPraise:     "best good better great top",
	isWell:       "effectively efficiently properly correctly successfully",
	isEffect:     "effect effects impact impacts influence consequence consequences affect affects",
	isPassing:    "today tonight tomorrow yesterday now latest current currently recent recently newest price stock weather forecast news upcoming nowadays",
	isOperation:  "plus minus times divided multiplied multiply divide subtract squared cubed solve calculate compute sum product integral derivative",
}

var numerals = map[string]string{
	"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11",
	"twelve": "12", "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "hundred": "100", "thousand": "1000",
	"second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th",
}

// lexicon joins the lists, so that a word is looked for once.
var lexicon = func() map[string]known {
	all := make(map[string]known, 512)
	change := func(word string, change func(*known)) {
		k := all[word]
		change(&k)
		all[word] = k
	}
	for kind, words := range kinds {
		for word := range strings.FieldsSeq(words) {
			change(word, func(k *known) { k.kind = kind })
		}
	}
	for trait, words := range traits {
		for word := range strings.FieldsSeq(words) {
			change(word, func(k *known) { k.traits |= trait })
		}
	}
	for word, digits := range numerals {
		change(word, func(k *known) { k.kind, k.digits = number, digits })
	}
	for word, whole := range contractions {
		change(word, func(k *known) { k.whole = strings.Fields(whole) })
	}
	for i, word := range wordsOf(rewriteTexts, firstTexts) {
		change(word, func(k *known) { k.inGroup = uint16(i + 1) }) // #nosec G115 -- a few hundred
		if hasDigit(word) {
			change(word, func(k *known) { k.kind = number })
		}
	}
	for word, digits := range numerals {
		change(word, func(k *known) { k.inGroup = all[digits].inGroup })
	}
	for word := range irregular {
		change(word, func(k *known) { k.traits |= isIrregular })
	}
	for word := range synonyms {
		if !strings.ContainsAny(word, ".-") { // those are cut into words before they are looked for
			change(word, func(k *known) { k.traits |= hasSynonym })
		}
	}
	return all
}()

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

var courtesies = byFirst(phrases(
	"please", "pls", "kindly", "hi", "hey", "hello", "hi there", "hello there", "hey there", "dear", "ok", "okay", "thanks", "thank you",
	"quick question", "a quick question", "one question", "question", "excuse me", "sorry",
	"tell me", "let me know", "do you know", "does anyone know", "does anybody know", "does somebody know", "anyone know", "any idea", "i wonder", "i was wondering", "i am wondering",
	"i want to know", "i would like to know", "i need to know", "i have a question", "i have a quick question", "just a quick question",
	"can you tell me", "could you tell me", "would you tell me", "will you tell me", "can you tell", "could you tell",
	"can you please tell me", "could you please tell me", "would you please tell me", "can anyone tell me", "can anyone tell", "can someone tell me", "can somebody tell me",
	"would you mind telling me", "can you explain", "could you explain", "can anyone explain", "can someone explain", "please explain", "explain to me", "may i ask", "can i ask", "i would like to ask", "can i ask you",
	"can you please", "could you please", "would you please", "will you please", "can you kindly", "could you kindly",
))

// thanks are courtesies at the end.
var thanks = phrases("please", "pls", "thanks", "thank you", "thanks a lot", "many thanks")

// anybody are the persons of questions that are of people in general.
var anybody = map[string]string{
	"you": "i", "we": "i", "one": "i", "someone": "i", "somebody": "i", "anyone": "i", "me": "i", "us": "i",
	"your": "my", "our": "my", "yours": "mine", "ours": "mine", "yourself": "myself", "ourselves": "myself",
}

// sameForm makes number alike, and never tense.
var sameForm = map[string]string{"could": "can", "would": "will", "might": "may", "are": "is", "am": "is", "were": "was", "does": "do", "has": "have", "gets": "get", "gotten": "got", "whom": "who", "which": "what"}

// synonyms name for a word the one that stands for all that mean the same.
var synonyms = synonymsOf(
	"photo photograph picture pic image", "buy purchase", "movie film", "begin start", "fast quick rapid", "quickly rapidly",
	"car automobile", "mother mom mum mommy", "father dad daddy", "child kid", "phone telephone", "cellphone smartphone",
	"large big huge", "small little tiny", "good best great top finest",
	"job employment", "error mistake", "answer reply", "fix repair", "choose select pick", "sofa couch",
	"usa u.s america", "uk britain", "make create", "pc computer", "email mail e-mail", "app application",
	"cost price", "cheap inexpensive", "rich wealthy", "gift present", "shop store", "road street", "end finish",
	"increase raise", "reduce decrease lower", "delete erase", "show display", "wish desire", "ill sick",
	"difference distinction", "benefit advantage", "drawback disadvantage", "method way technique",
	"guy man", "lady woman", "exam examination", "maths math mathematics", "ad advertisement", "info information", "bike bicycle",
	"percent percentage", "hi hello", "learn study", "weird strange", "possible feasible", "whole entire", "hard difficult", "easy simple",
	"favorite favourite", "program programme", "license licence", "defense defence", "offense offence", "gray grey", "tire tyre", "traveling travelling", "traveler traveller", "canceled cancelled", "canceling cancelling", "jewelry jewellery",
	"colorful colourful", "judgment judgement", "pajamas pyjamas", "plow plough", "mold mould", "mustache moustache", "skeptical sceptical", "aluminum aluminium", "airplane aeroplane plane", "impact effect influence", "ok okay alright", "website site", "often frequently", "find discover", "author writer", "recover retrieve", "remember recall", "incorrect wrong", "programming programing", "hamburger burger", "therefore thus", "lawyer attorney", "smart intelligent clever",
	"tummy belly", "alien extraterrestrial", "compulsory mandatory obligatory", "famous renowned", "garbage trash rubbish", "truck lorry", "gasoline petrol", "forbidden prohibited", "afraid scared", "journey trip", "tv television telly", "kg kgs kilogram kilo", "km kilometer", "lb lbs pound", "government govt", "assistance help", "problem issue",
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

// byFirst are phrases by their first words.
func byFirst(phrases [][]string) map[string][][]string {
	all := make(map[string][][]string)
	for _, phrase := range phrases {
		all[phrase[0]] = append(all[phrase[0]], phrase)
	}
	return all
}

func synonymsOf(list ...string) map[string]string {
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

// irregular plurals, which no rule takes apart.
var irregular = map[string]string{
	"men": "man", "women": "woman", "children": "child", "feet": "foot", "teeth": "tooth", "mice": "mouse", "knives": "knife", "lives": "life", "wives": "wife",
	"movies": "movie", "cookies": "cookie", "zombies": "zombie", "calories": "calorie", "selfies": "selfie", "hoodies": "hoodie", "rookies": "rookie", "genies": "genie", "newbies": "newbie", "foodies": "foodie", "techies": "techie",
	"smoothies": "smoothie", "brownies": "brownie", "freebies": "freebie", "cuties": "cutie", "hippies": "hippie", "junkies": "junkie", "prairies": "prairie", "sweeties": "sweetie", "veggies": "veggie", "hankies": "hankie", "indies": "indie", "walkies": "walkie", "talkies": "talkie",
	"viruses": "virus", "buses": "bus", "bonuses": "bonus", "campuses": "campus", "statuses": "status", "gases": "gas", "biases": "bias", "lenses": "lens", "octopuses": "octopus", "sinuses": "sinus", "circuses": "circus", "censuses": "census", "walruses": "walrus", "cactuses": "cactus", "atlases": "atlas", "canvases": "canvas", "irises": "iris",
	"analyses": "analysis", "crises": "crisis", "theses": "thesis", "hypotheses": "hypothesis", "diagnoses": "diagnosis", "oases": "oasis", "parentheses": "parenthesis", "quizzes": "quiz",
	"headaches": "headache", "toothaches": "toothache", "backaches": "backache", "stomachaches": "stomachache", "aches": "ache", "niches": "niche", "caches": "cache", "moustaches": "moustache", "mustaches": "mustache", "avalanches": "avalanche", "psyches": "psyche",
	"shoes": "shoe", "horseshoes": "horseshoe", "canoes": "canoe", "toes": "toe", "foes": "foe", "axes": "axe", "geese": "goose", "cacti": "cactus", "fungi": "fungus", "bacteria": "bacterium", "persons": "person", "heroes": "hero", "zeroes": "zero", "echoes": "echo", "goes": "go",
	"leaves": "leaf", "wolves": "wolf", "halves": "half", "shelves": "shelf", "thieves": "thief", "loaves": "loaf", "criteria": "criterion", "phenomena": "phenomenon",
}
