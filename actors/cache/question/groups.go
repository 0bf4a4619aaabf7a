package question

// rewriteTexts are groups of words that say the same as others, or nothing
// (groupTree says how they are read).
var rewriteTexts = map[string]string{
	// What is done.
	"make|earn money from|on|in|through|via|with|by|using": "earn", "make|earn money": "earn", "making|earning money from|on|in|through|via|with|by|using": "earning", "making|earning money": "earning", "earn from|on|in|through|via|with|by|using": "earn", "get rid of|from": "remove", "getting rid of|from": "removing", "find out": "discover",
	"look for": "search for", "looking for": "searching for", "take care of": "care for", "get over": "overcome", "deal|cope with": "handle", "dealing|coping with": "handling",
	"find|land|secure job|jobs": "get job", "finding|landing|securing job|jobs": "getting job", "get up early": "wake up early", "lose|reduce|drop weight": "lose weight", "losing|reducing|dropping weight": "losing weight",
	"question|questions asked on|in": "question on", "written by": "by",
	"set up": "install", "sign up": "register", "log in|on": "login", "sign in": "login", "give up": "quit", "carry out": "perform",
	"start|begin to? learn|learning": "learn", "start|begin my|your|our? preparing|preparation|preparations for": "prepare for", "start|begin to prepare for": "prepare for", "learn how to": "learn to", "learn about": "learn", "learning about": "learning", "teach myself|yourself|oneself": "learn",
	"start|begin up? new": "begin", "start|begin up": "begin", "starting|beginning up? new": "beginning", "open up? new": "open", "create|make new": "make",
	"find|figure out if|whether": "know if", "tell|determine if|whether": "know if",

	// How much, and when.
	"a lot of": "many", "lots|plenty of": "many", "up to": "until", "right away": "immediately", "at the same time": "simultaneously", "as fast|quickly|soon as possible": "quickly", "as easily as possible": "easily",
	"in|within a|an|one month": "in 1 month", "in|within a|an|one week": "in 1 week", "in|within a|an|one day": "in 1 day", "in|within a|an|one year": "in 1 year", "in|within a|an|one hour": "in 1 hour",
	"one month": "1 month", "one week": "1 week", "one day $": "1 day", "one year": "1 year", "one hour": "1 hour", "one minute": "1 minute",
	"how frequently": "how often", "how much time": "how long", "how much money": "how much", "so many people": "people", "per cent": "percent", "%": "percent",

	// How words hang together.
	"in order to": "to", "so as to": "to", "such as": "like", "in terms of": "in", "in case of": "in", "because of": "from", "due to": "from", "instead of": "rather than",
	"made up of": "made of", "with no": "without", "whether or not": "if", "whether": "if", "if or not": "if", "or not $": "", "and why $": "why", "and how $": "how", "versus": "vs", "as well as": "and", "as well": "", "&": "and", "each other": "one another",
	"all? different? kind|kinds|sort|sorts|types of": "type of", "all? different type of": "type of", "that exist|exists $": "",

	// One word, which some write as two.
	"back up": "backup", "best seller": "bestseller", "body guard": "bodyguard", "break down": "breakdown", "break through": "breakthrough", "break up": "breakup", "check list": "checklist", "data base": "database", "day light": "daylight",
	"feed back": "feedback", "film maker": "filmmaker", "free lance": "freelance", "good bye": "goodbye", "hand writing": "handwriting", "head ache": "headache", "health care": "healthcare", "home work": "homework", "key board": "keyboard", "lap top": "laptop",
	"life style": "lifestyle", "mind blowing": "mindblowing", "night club": "nightclub", "note book": "notebook", "off line": "offline", "on line": "online", "pass word": "password", "pay check": "paycheck", "play list": "playlist", "rain forest": "rainforest",
	"roll over": "rollover", "screen shot": "screenshot", "smart phone": "smartphone", "time table": "timetable", "time zone": "timezone", "to do list": "todo list", "to do lists": "todo list", "user name": "username", "wall paper": "wallpaper", "week end": "weekend", "work force": "workforce",
	"work out": "workout", "worm hole": "wormhole", "worm holes": "wormholes",

	// What says nothing.
	"some of": "", "do|would you think": "", "in your|my opinion|view|experience": "", "according to you": "", "in general": "", "of all time": "", "in the world": "in world", "around|across|throughout the world": "in world", "all over the world": "in world", "on earth $": "in world", "on|in planet $": "in world",

	// Two names for one thing.
	"pro|pros and|& con|cons": "benefit and drawback", "advantages and|& disadvantages": "benefit and drawback", "benefits and|& drawbacks": "benefit and drawback", "merits and|& demerits": "benefit and drawback",
	"u": "you", "ur": "your", "plz": "please", "coz|cuz|bcoz|bcz": "because", "abt": "about", "ppl": "people",
	"no one": "nobody", "web site": "website", "web sites": "websites", "e mail": "email", "wi fi": "wifi", "cell phone": "mobile phone", "mobile phone number": "phone number",
	"the us": "usa", "in us $": "in usa", "united states of? america?": "usa", "united kingdom": "uk", "new york city": "new york",
	"world war i|1|one": "ww1", "world war ii|2|two": "ww2", "world war iii|3|three": "ww3",
}

// firstTexts are groups of which the same is true at the beginning of a text.
var firstTexts = map[string]string{
	"how come": "why", "why is it that": "why", "for what reason|reasons": "why",
	"what do|does you|one mean by": "what is", "what is meant by": "what is", "what is definition of": "what is",
	"what do|does you think of|about": "your opinion", "what is|are your opinion|opinions|thought|thoughts|view|views of|on|about|regarding": "your opinion", "what is your take on": "your opinion", "how do you feel about": "your opinion",

	// Why.
	"what is|are|was|were reason|reasons why|that": "why", "what is|are reason|reasons|cause|causes for|of|behind": "what cause",

	"what will|would|do|does happen|happens if|when": "what happen if", "what happens if|when": "what happen if", "what do|does it mean if|when": "what do it mean if",
	"how long do|does|will|would it take": "how long do it take", "what|which kind|kinds|type|types|sort|sorts of": "what",

	// What is the best.
	"what|which would|will|could|can|might|should be": "what is", "which one is|are": "what is", "which one": "which", "which all": "which", "what is|are all": "what is",
	"can|could|will|would you|anyone|someone|somebody|anybody please? suggest|recommend me|us? good|best": "what is best", "suggest|recommend me|us? good|best": "what is best",

	// A way to do something.
	"what|which is|are|was easiest|easy|simplest|simple way|ways|method|methods to": "how to easily", "what|which is|are|was fastest|fast|quickest|quick way|ways|method|methods to": "how to quickly",
	"what steps|step|measures should|can|could|must|do i|we|you|one take|follow to": "how to", "what do it take to": "how to", "what does it take to": "how to", "what can|should|could|must be done to": "how to",
	"what is|are your|my? best|good? tip|tips|advice to": "how to", "in what way|ways can|could|do|should i|we|you|one": "how to",
	"what should|can|could|must|do i|we|you|one do if|when": "what do if", "what to do if|when": "what do if",

	// What something is like.
	"what|how is|was it like to": "what like to", "how do|does it feel like? to": "what like to", "what do|does it feel like to": "what like to", "how is it to": "what like to",

	// What sets one apart from another.
	"what is|are main|major|key|basic|biggest|exact|fundamental|primary|real|significant|actual? difference|differences|distinction|distinctions between": "difference between",
	"difference|differences between": "difference between",
}
