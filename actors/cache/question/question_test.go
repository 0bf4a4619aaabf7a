package question_test

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.uber.org/goleak"

	"example.com/parley/actors/cache/question"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// how two texts were found to ask the same.
type how string

const (
	sameWords how = "same words"
	strictly  how = "strictly"
	loosely   how = "loosely"
	not       how = "not"
)

func compare(a, b string) how {
	p, q := question.Read(a), question.Read(b)
	switch {
	case p.Same != 0 && p.Same == q.Same:
		return sameWords
	case p.Only != "" || q.Only != "":
		return not
	case p.Strict != 0 && p.Strict == q.Strict:
		return strictly
	case question.SameLoosely(p.Loose, q.Loose):
		return loosely
	default:
		return not
	}
}

func TestWhatAsksTheSame(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want how
	}{
		// Case, punctuation and courtesy.
		{"How do volcanoes form?", "how do volcanoes form", sameWords},
		{"How do volcanoes form?", "Hi, could you please tell me: how do volcanoes form? Thank you!", sameWords},
		{"What's a prime number?", "what is a prime number", sameWords},
		{"I don’t like it here", "i do not like it here", sameWords},
		{"What's the weather in Oslo today?", "whats the weather in oslo today", sameWords},

		// Articles, places, plurals.
		{"What is the boiling point of water?", "What is boiling point of water?", strictly},
		{"What are good hotels in Lisbon?", "What are good hotels at Lisbon?", strictly},
		{"Which planets have rings?", "Which planet have rings?", strictly},

		// Ways of asking.
		{"How do I sharpen a kitchen knife?", "What is the best way to sharpen kitchen knives?", loosely},
		{"Which phone is the best for a child?", "What is the best phone for children?", loosely},
		{"How do I get rid of moss on a roof?", "What is a good way to remove moss on a roof?", loosely},
		{"What do you mean by inflation?", "What is inflation?", loosely},
		{"What phone is broken?", "What is a broken phone?", not},
		{"How do I sharpen a chisel?", "What is the best way to sharpen chisels?", loosely},
		{"How can you sharpen a chisel?", "How to sharpen a chisel?", loosely},
		{"How do I sharpen my chisel?", "how should one sharpen a chisel", loosely},
		{"Which is the tallest tower in Asia?", "What is the tallest tower in Asia?", loosely},
		{"Which tent I should buy?", "Which tent should I buy?", loosely},
		{"What is the difference between moss and lichen?", "What is the difference between lichen and moss?", loosely},
		{"How do I buy a used car?", "How can I purchase a used automobile?", loosely},
		{"Why do some people snore loudly?", "Why do some people snroe loudly?", loosely},
		{"Why do people keep planted trees in their house?", "Why do people keep planting trees in their house?", loosely},
		{"Can I take three days off?", "Can I take 3 days off?", sameWords},
		{"How do I invest $500?", "How do I invest 500$?", sameWords},

		// A way, a place, a time, and what it is like.
		{"How do I go about mending a kite?", "What steps should I take to mend a kite?", loosely},
		{"What is the most effective way of mending a kite?", "How can one mend a kite?", loosely},
		{"What is the easiest way to mend a kite?", "How can I easily mend a kite?", loosely},
		{"What is the fastest way to mend a kite?", "How do I mend a kite as quickly as possible?", loosely},
		{"How do I mend a kite?", "What is the fastest way to mend a kite?", not},
		{"How can I open my own bakery?", "How do I open a bakery?", loosely},
		{"How do I become a good baker?", "How can I be a good baker?", loosely},
		{"How can you tell if a melon is ripe?", "How do I know when a melon is ripe?", loosely},
		{"Where can I buy a kite?", "Where is the best place to buy a kite?", loosely},
		{"Where do I buy a kite?", "How do I buy a kite?", not},
		{"When should I sow beans?", "What is the best time to sow beans?", loosely},
		{"When should I sow beans?", "When should I harvest beans?", not},
		{"What is it like to live in Bern?", "How does it feel to live in Bern?", loosely},
		{"What is it like living in Bern?", "What is it like to live in Bern?", loosely},
		{"What is it like to live in Bern?", "What was it that lived in Bern?", not},
		{"What should I do if a bee stings me?", "What to do when a bee stings you?", loosely},
		{"How much salt should I eat?", "How much salt should one eat?", loosely},
		{"Should I eat salt?", "Why should I eat salt?", not},

		// The same in another order.
		{"What is the moon of Saturn?", "What is Saturn's moon?", loosely},
		{"What is the best cheese of Norway?", "What is Norway's best cheese?", not}, // it does, but an adjective has its place
		{"What is a glass of wine?", "What is a wine glass?", not},
		{"What are the best schools in Rome for deaf children?", "What is the best school for deaf children in Rome?", loosely},
		{"What are the best schools in Rome for deaf children?", "What are Rome's best schools for deaf children?", not},
		{"What is the best Java compiler for Python?", "What is the best Python compiler for Java?", not},
		{"What is the Basque word for cheese?", "What is the cheese word for Basque?", not},
		{"What is the colour of your hat?", "What is your hat colour?", loosely},
		{"Which of your hats is red?", "Which of your reds is a hat?", not},
		{"What is the best diet to lose weight in Rome?", "What is the best diet in Rome to lose weight?", not},
		{"What is the child of the wolf?", "What is the wolf of the child?", not},
		{"Why do owls not sing?", "Why don't owls sing?", loosely},
		{"Why do owls sing?", "Why don't owls sing?", not},
		{"Which firms use tar?", "What are the firms that use tar?", loosely},
		{"What is the best song that you have heard?", "What's the best song you've ever heard?", loosely},
		{"What are the best books one should read?", "What are the best books to read?", loosely},
		{"What are the tallest trees in the world?", "What are the tallest trees?", loosely},
		{"What are the trees in the world?", "What are the trees?", not},
		{"Is it safe to eat snow?", "Is eating snow safe?", loosely},
		{"Is it safe to eat snow?", "Is it safe to eat?", not},
		{"How is a hare different from a rabbit?", "What is the main difference between rabbits and hares?", loosely},
		{"Which is better: a wood fire or gas?", "What is better, gas or a wood fire?", loosely},
		{"What will be the effect of rain on wheat?", "What effect will rain have on wheat?", not},
		{"What is the effect of rain on wheat?", "What effect does rain have on wheat?", loosely},
		{"What is the effect of rain on wheat?", "What is the effect of wheat on rain?", not},
		{"Do unicorns exist?", "Are unicorns real?", loosely},
		{"What causes tides?", "What are the reasons for tides?", loosely},
		{"Why owls hoot at night?", "Why do owls hoot at night?", loosely},

		{"If bees vanish, what will happen?", "What happens if bees vanish?", loosely},
		{"What happens if bees vanish?", "Why would bees vanish if it happens?", not},
		{"Who is going to win the regatta?", "Who will win the regatta?", loosely},
		{"Who is going to win the regatta?", "Who won the regatta?", not},
		{"Should I grow basil or mint?", "Should I grow mint or basil?", loosely},
		{"How do I properly prune a rose?", "What is the right way to prune a rose?", loosely},
		{"How do I see who took my kite?", "How do I find out who took my kite?", loosely},
		{"How can I make money from honey?", "How do I earn through honey?", loosely},
		{"What kind of soil do figs like?", "What soil do figs like?", loosely},
		{"How much money does a beekeeper earn?", "How much does a beekeeper earn?", loosely},

		{"Why is Bern so wet?", "Why is Bern wet?", loosely},
		{"Why do so many people hate rain?", "Why does rain hate so many people?", not},

		{"How do you say cheese in Basque?", "What is the best way to say cheese in Basque?", loosely},
		{"How do you say cheese in Basque?", "How do you say bread in Basque?", not},
		{"Can not eating make you ill?", "Can eating not make you ill?", not},
		{"What do bears eat?", "What eats bears?", not},
		{"What is the role of women in men's lives?", "What is the role of men in women's lives?", not},
		{"Where would you live?", "Where can I live?", not},
		{"Who is the man who bit the dog?", "Who is the man the dog bit?", not},

		// Spelling.
		{"What time zone is Bern in?", "What timezone is Bern in?", loosely},
		{"Which movies won in Cannes?", "Which movie won in Cannes?", strictly},
		{"How is the privatisation of water organised?", "How is the privatization of water organized?", strictly},
		{"What colour is a flamingo?", "What color is a flamingo?", strictly},
		{"Why did World War II begin?", "Why did World War 2 start?", loosely},
		{"Why did World War II begin?", "Why did World War I begin?", not},
		{"Which films won in Cannes this spring of 1999?", "Which films won in Cannes?", not},
		{"Why does the government of Peru mint coins?", "Why does the goevrnment of Peru mint coins?", loosely}, // also where there are words that mean the same
		{"Why did the US buy Alaska?", "Why did America buy Alaska?", loosely},
		{"Why did it buy us Alaska?", "Why did it buy America Alaska?", not},

		// What must not pass.
		{"How do I cook a 10lb turkey?", "How do I cook a 12lb turkey?", not},
		{"Turn the lights on", "Turn the lights off", not},
		{"How do I enable two-factor login?", "How do I disable two-factor login?", not},
		{"Why is coffee good for you?", "Why is coffee not good for you?", not},
		{"Why is coffee good for you?", "Why isn't coffee good for you?", not},
		{"Who is the mayor of Lyon?", "Who is the mayor of Nice?", not},
		{"How far is it from Rome to Milan?", "How far is it from Milan to Rome?", not},
		{"What are arguments for nuclear power?", "What are arguments against nuclear power?", not},
		{"What is the meaning of my name?", "What is the meaning of your name?", not},
		{"What is the best month to visit Peru?", "What is the worst month to visit Peru?", not},
		{"How did you stop smoking?", "How do I stop smoking?", not},
		{"What can I do to help you?", "What can you do to help me?", not},
		{"How do I make a girl like me?", "How do I make a girl like you?", not},
		{"Why should I trust you?", "Why should you trust me?", not},
		{"How can I open your bakery?", "How can I open my bakery?", not},
		{"Should I learn Latin?", "Why should I learn Latin?", not},
		{"Is he a doctor?", "Was he a doctor?", not},
		{"What is in a croissant?", "What is a croissant?", not},
		{"What does a catalyst do?", "What is a catalyst?", not},
		{"How do I learn C++ quickly?", "How do I learn C quickly?", not},
		{"How do I translate 放心 to English?", "How do I translate 才 to English?", not},
		{"What is an engineer?", "What is engineering?", not},
		{"Is 5 < 7?", "Is 5 > 7?", not},
		{"How old is he?", "How old is she?", not},
		{"What are even numbers?", "What are numbers?", not},
		{"What is a still life?", "What is life?", not},
		{"What is a major chord?", "What is a chord?", not},
		{"What is basic income?", "What is income?", not},
		{"What is the meaning of life?", "What is life?", not},
		{"Why are some countries poor?", "Why are some countries bad?", not},
		{"How do people get measles?", "How do I get measles?", not},
		{"Who made you?", "Who made?", not},
		{"What do you think of opera?", "What's your opinion about opera?", loosely},
		{"Can one grow rice without a field?", "Is it possible to grow rice without a field?", loosely},
		{"How do I know if a horse trusts me?", "How do you know whether a horse trusts you?", loosely},
		{"Which river is a bell made up of?", "What river is a bell made of?", loosely},
		{"What do I need to do to mend a kite?", "How do I mend a kite?", loosely},
		{"Can you speak Basque?", "Is it possible to speak Basque?", not},
		{"Can I fly a kite?", "How can I fly a kite?", not},
		{"What do you think of opera?", "What do you think with opera?", not},
		{"What do you think of opera?", "What do people think of opera?", not},
		{"", "", not},
		{"?", "!", not},
	} {
		if got := compare(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q ask the same: %s, want %s", tt.a, tt.b, got, tt.want)
		}
		if forth, back := compare(tt.a, tt.b), compare(tt.b, tt.a); forth != back {
			t.Errorf("%q and %q: %s one way, %s the other", tt.a, tt.b, forth, back)
		}
	}
}

func TestWhatIsComparedAsAWholeOnly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]question.Reason{
		"What does this mean?":                      question.Deictic,
		"How does that work?":                       question.Deictic,
		"How old is he?":                            question.Deictic,
		"Summarise the text below in two lines":     question.Deictic,
		"What is the weather in Oslo?":              question.Time,
		"Quick question: how old is he?":            question.Deictic,
		"Who won the latest election in Chile?":     question.Time,
		"What is 17 * 23?":                          question.Calculation,
		"Solve for x where 3 x plus 4 is 19":        question.Calculation,
		"Why does `x := []int{}` compile?":          question.Code,
		"Where is the parcel 7391-2240-118?":        "",
		"Is my card 4417123456789113 blocked?":      question.Personal,
		"Write a mail to someone@example.com":       question.Personal,
		strings.Repeat("a long text of words ", 99): question.TooLong,
		"The?": question.TooShort,
		"Why do cats purr when they are content?":   "",
		"Is it legal to park on a pavement?":        "",
		"What are the things that make bread rise?": "",
		"Is there a bridge over the Bosporus?":      "",
	} {
		if got := question.Read(text).Only; got != want {
			t.Errorf("%.40q is compared as a whole for the reason %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsLiteralHasNoWordsToCompare(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{a}", "Mail someone@example.com", strings.Repeat("word ", 600)} {
		if q := question.Read(text); q.Same != 0 {
			t.Errorf("%.20q is compared by its words", text)
		}
	}
}

// FuzzRead: whatever a text has in it, reading it ends, and it is itself in upper
// case with spaces around.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"How do I get to Bern?", "what's up", "u.s.a", "a'b’c", "5.5.5 $", "İ", "\xff\xfe", "x,y.z", "’’’"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q := question.Read(text)
		if again := question.Read(text); again.Same != q.Same || again.Strict != q.Strict || again.Only != q.Only {
			t.Fatal("two readings differ")
		}
		if q.Same != 0 && utf8.ValidString(text) && question.Read(" "+text+" ").Same != q.Same {
			t.Fatal("space around it made it another text")
		}
	})
}

func BenchmarkRead(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		question.Read("What is the best way to learn the piano as an adult?")
	}
}

// TestWhatIsLooselyTheSameIsFoundByAHash: who looks up Forms, Letters and Roots finds
// all that match, and nothing else to speak of.
func TestWhatIsLooselyTheSameIsFoundByAHash(t *testing.T) {
	t.Parallel()
	original := question.Read("Why do some people snore so loudly at night?").Loose
	for text, want := range map[string][3]bool{ // forms, letters, roots
		"why do people snore so loudly at night":         {true, true, true},
		"Why do some people snroe so loudly at night?":   {false, true, false},
		"Why do some people snoring so loudly at night?": {false, false, true},
		"Why do some people laugh so loudly at night?":   {false, false, false},
		"Why do some people at night snore so loudly?":   {false, false, false},
		"Why do some people snore so loudly?":            {false, false, false},
	} {
		other := question.Read(text).Loose
		got := [3]bool{
			question.Forms(original) == question.Forms(other), question.Letters(original) == question.Letters(other), question.Roots(original) == question.Roots(other),
		}
		if got != want {
			t.Errorf("%q agrees in forms, letters and roots: %v, want %v", text, got, want)
		}
		if some := got[0] || got[1] || got[2]; question.SameLoosely(original, other) != some {
			t.Errorf("%q is loosely the same, and found: %t", text, some)
		}
	}
	short := question.Read("Why do people snore?").Loose
	if question.Forms(short) == 0 || question.Letters(short) != 0 || question.Roots(short) != 0 {
		t.Error("a short question has room for a slip")
	}
}

// TestWhatHasTheSameWordsIsLooselyTheSame: the index finds both in one place.
func TestWhatHasTheSameWordsIsLooselyTheSame(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"how old is he", "why do owls hoot", "what is the weather in Oslo", "where is it", "what does that mean", "how do i bake bread in a pan",
	} {
		want := question.Read(text)
		for _, around := range [][2]string{{"Hi, quick question: ", ""}, {"", ", thanks a lot!"}, {"Could you please tell me ", "?"}, {"I have a quick question. ", " please"}} {
			got := question.Read(around[0] + text + around[1])
			if got.Same != want.Same || got.Only != want.Only || !slices.Equal(got.Loose, want.Loose) {
				t.Errorf("%q with %q around it is read as %+v, want %+v", text, around, got, want)
			}
		}
	}
}

// TestRulesAreThoseOfTheirVersion fails with every change of what is read of a text:
// nodes of two versions would compare what cannot be compared. Then count Rules up,
// and take over the new sum.
func TestRulesAreThoseOfTheirVersion(t *testing.T) {
	t.Parallel()
	const version, sum = 8, "13cee20a90eb0871"
	hash := fnv.New64a()
	for _, text := range []string{
		"What is the best way to sharpen a chisel?", "How do I sharpen a chisel", "hi, could you please tell me why owls don't sleep at night?",
		"Is it safe to disable the firewall before 3 updates?", "Who wrote Faust", "How can we convert 5 kilometers to miles?",
		"What's the difference between a vulture and an eagle?", "Should children drink coffee, and why not?", "which cities in Peru are the largest",
		"Can someone explain how bees make honey?", "What would happen if nobody went to work?", "translate 'good night' into Spanish",
	} {
		_, _ = fmt.Fprintf(hash, "%+v\n", question.Read(text))
	}
	if got := fmt.Sprintf("%x", hash.Sum64()); question.Rules != version || got != sum {
		t.Errorf("Rules is %d, and what they read comes to %s; this was %s with %d", question.Rules, got, sum, version)
	}
}
