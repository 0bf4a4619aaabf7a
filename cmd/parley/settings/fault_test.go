package settings_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/cmd/parley/settings"
)

func TestFaultsSayWhereWhatAndWhatIsAllowed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		sources
		want []string
	}{
		"an unknown key, nearly right": {
			sources{file: "http:\n  max_bdy: 1\n"},
			[]string{"app.yaml:2:3: http.max_bdy is not known: did you mean http.max_body?"},
		},
		"a key of another section": {
			sources{file: "max_body: 1\n"},
			[]string{"app.yaml:1:1: max_body is not known: did you mean http.max_body?"},
		},
		"an unknown key, like none": {
			sources{file: "store:\n  colour: blue\n"},
			[]string{"app.yaml:2:3: store.colour is not known: store takes path, url and url_file"},
		},
		"an unknown section": {
			sources{file: "kitchen: {}\n"},
			[]string{"app.yaml:1:1: kitchen is not known: the top level takes http, store, providers, models, rules and queue"},
		},
		"an unknown key of an entry": {
			sources{file: "providers:\n  openai:\n    apikey: x\n"},
			[]string{"app.yaml:3:5: providers.openai.apikey is not known: did you mean providers.openai.api_key?"},
		},
		"an unknown key in a list": {
			sources{file: "rules:\n  - form: x\n"},
			[]string{"app.yaml:2:5: rules[0].form is not known: did you mean rules[0].from?"},
		},
		"a word for a number of bytes": {
			sources{file: "http:\n  max_body: lots\n"},
			[]string{`app.yaml:2:13: http.max_body is "lots": give a number of bytes such as 4194304 or 4MiB`},
		},
		"a fraction of a byte": {
			sources{file: "http: {max_body: 0.3B}"},
			[]string{`app.yaml:1:18: http.max_body is "0.3B": give a number of bytes such as 4194304 or 4MiB`},
		},
		"a number without a unit for a duration": {
			sources{file: "http:\n  timeout: 30\n"},
			[]string{`app.yaml:2:12: http.timeout is "30": give a duration such as 1m30s`},
		},
		"a number too large": {
			sources{file: "http: {queue: 256}"},
			[]string{`app.yaml:1:15: http.queue is "256": give a whole number from 0 to 255 such as 8`},
		},
		"a fraction for a whole number": {
			sources{file: "http: {queue: 1.5}"},
			[]string{`app.yaml:1:15: http.queue is "1.5": give a whole number from 0 to 255 such as 8`},
		},
		"no number": {
			sources{file: "http: {share: .nan}"},
			[]string{`app.yaml:1:15: http.share is ".nan": give a number such as 0.5`},
		},
		"neither true nor false": {
			sources{file: "http: {verbose: maybe}"},
			[]string{`app.yaml:1:17: http.verbose is "maybe": give true or false`},
		},
		"a word that a type does not know": {
			sources{file: "providers: {a: {level: middle}}"},
			[]string{`app.yaml:1:24: providers.a.level is "middle": neither low nor high`},
		},
		"a list for one value": {
			sources{file: "http:\n  listen: [a, b]\n"},
			[]string{"app.yaml:2:11: http.listen is a list: give text such as 127.0.0.1:8080"},
		},
		"a mapping for a list": {
			sources{file: "http:\n  trusted_proxies: {a: b}\n"},
			[]string{"app.yaml:2:20: http.trusted_proxies is a mapping: give a list such as [one, two]"},
		},
		"a value for a section": {
			sources{file: "store: 5\n"},
			[]string{`app.yaml:1:8: store is "5": give the keys path, url and url_file below it`},
		},
		"a value for a table": {
			sources{file: "providers: openai\n"},
			[]string{`app.yaml:1:12: providers is "openai": give names with their settings below it`},
		},
		"a list instead of a file of keys": {
			sources{file: "- a\n"},
			[]string{"app.yaml:1:1: the file is a list: give the keys http, store, providers, models, rules and queue below it"},
		},
		"a key without a value": {
			sources{file: "http:\n  listen:\n"},
			[]string{"app.yaml:2:10: http.listen has no value: give text such as 127.0.0.1:8080, or remove the line"},
		},
		"a key given twice": {
			sources{file: "http:\n  queue: 1\n  queue: 2\n"},
			[]string{"app.yaml:3:3: http.queue is given twice, first on line 2: keep one"},
		},
		"a secret of the wrong shape is not shown": {
			sources{file: "store: {url: [MARKED]}\n"},
			[]string{"app.yaml:1:14: store.url is a list: give text"},
		},
		"a reference to nothing": {
			sources{file: "http:\n  listen: ${NOWHERE}:80\n"},
			[]string{"app.yaml:2:11: http.listen: ${NOWHERE} is not set in the environment: set it, or write $$ where a $ is meant"},
		},
		"a reference that does not end": {
			sources{file: "http:\n  listen: ${NOWHERE\n"},
			[]string{"app.yaml:2:11: http.listen: a reference to the environment is written ${NAME}, and a $ before a brace $$"},
		},
		"no YAML": {
			sources{file: "http:\n  listen: a: b\n"},
			[]string{"app.yaml:2:3: this is not YAML: mapping values are not allowed in this context"},
		},
		"a tab": {
			sources{file: "http:\n\tlisten: a\n"},
			[]string{"app.yaml:2:2: this is not YAML: found character that cannot start any token; lines are indented with spaces, never with tabs"},
		},
		"two documents": {
			sources{file: "http: {}\n---\nstore: {}\n"},
			[]string{"app.yaml:2:1: a second document begins here: keep one"},
		},
		"an alias of itself": {
			sources{file: "rules: &a\n  - *a\n"},
			[]string{"app.yaml:1:8: rules[0] is a list: give the keys from and to below it"},
		},
		"a secret's file that is not there": {
			sources{file: "store:\n  url_file: gone\n"},
			[]string{`app.yaml:2:13: store.url_file is "gone", which cannot be read: there is no such file`},
		},
		"a secret and its file": {
			sources{file: "store:\n  url: x\n  url_file: /dev/null\n"},
			[]string{`app.yaml:3:13: store.url_file is "/dev/null", which is empty: put the secret into it`},
		},
		"an unknown variable, nearly right": {
			sources{env: []string{"APP_HTTP_MAX_BDY=1"}},
			[]string{"APP_HTTP_MAX_BDY: no key has this name: did you mean APP_HTTP_MAX_BODY?"},
		},
		"an unknown variable, like none": {
			sources{env: []string{"APP_COLOUR_OF_THE_SKY=blue"}},
			[]string{"APP_COLOUR_OF_THE_SKY: no key has this name: see docs/configuration.md, or remove it from the environment"},
		},
		"a variable of the wrong type": {
			sources{env: []string{"APP_HTTP_TIMEOUT=soon"}},
			[]string{`APP_HTTP_TIMEOUT: http.timeout is "soon": give a duration such as 1m30s`},
		},
		"a variable with bad YAML": {
			sources{env: []string{"APP_MODELS={a: [b"}},
			[]string{`APP_MODELS: models is "{a: [b", which is not YAML: give names with their settings below it`},
		},
		"a variable and its file": {
			sources{env: []string{"APP_STORE_URL=x", "APP_STORE_URL_FILE=/dev/null/none"}},
			[]string{`APP_STORE_URL_FILE: store.url_file is "/dev/null/none", which cannot be read: open /dev/null/none: not a directory`},
		},
		"a flag of the wrong type": {
			sources{flags: []settings.Flag{{Name: "--queue", Key: "http.queue", Value: "-1"}}},
			[]string{`--queue: http.queue is "-1": give a whole number from 0 to 255 such as 8`},
		},
		"all at once, in the order of the sources": {
			sources{
				file:  "http:\n  queue: x\n  verbose: x\nfoo: 1\n",
				env:   []string{"APP_HTTP_SHARE=x", "APP_HTTP_MAX_BODY=x"},
				flags: []settings.Flag{{Name: "--wait", Key: "http.timeout", Value: "x"}},
			},
			[]string{
				`app.yaml:2:10: http.queue is "x": give a whole number from 0 to 255 such as 8`,
				`app.yaml:3:12: http.verbose is "x": give true or false`,
				"app.yaml:4:1: foo is not known: the top level takes http, store, providers, models, rules and queue",
				`APP_HTTP_MAX_BODY: http.max_body is "x": give a number of bytes such as 4194304 or 4MiB`,
				`APP_HTTP_SHARE: http.share is "x": give a number such as 0.5`,
				`--wait: http.timeout is "x": give a duration such as 1m30s`,
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, got := test.load(t)
			if diff := cmp.Diff(test.want, strings.Split(got, "\n")); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheSameValueTwiceInOneSourceIsAFault(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	key := filepath.Join(folder, "key")
	write(t, key, "x")
	_, _, got := sources{env: []string{"APP_STORE_URL=x", "APP_STORE_URL_FILE=" + key}}.load(t)
	const want = "APP_STORE_URL_FILE: store.url is set by APP_STORE_URL too: keep one of the two"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for path, want := range map[string]string{
		folder + "/none.yaml": "none.yaml: the configuration cannot be read: there is no such file",
		folder:                folder + ": the configuration cannot be read: it is a directory",
	} {
		c := defaults()
		if got := faults(settings.Load(&c, settings.Sources{File: path}).Report(nil), folder); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestReportPlacesWhatValidationFound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		sources
		found error
		want  string
	}{
		"set by the file": {
			sources{file: "http:\n  queue: 0\n"},
			errors.New("http.queue is 0: give more"),
			"app.yaml:2:10: http.queue is 0: give more",
		},
		"set by a variable": {sources{env: []string{"APP_HTTP_QUEUE=0"}}, errors.New("http.queue is 0: give more"), "APP_HTTP_QUEUE: http.queue is 0: give more"},
		"missing from an entry": {
			sources{file: "providers:\n  groq:\n    wait: 1s\n"},
			errors.New("providers.groq.base_url is empty: give an address"),
			"app.yaml:2:3: providers.groq.base_url is empty: give an address",
		},
		"an entry with a dot in its name": {
			sources{file: "models:\n  gpt-4.1: []\n"},
			errors.New("models.gpt-4.1 is empty: name a target"),
			"app.yaml:2:3: models.gpt-4.1 is empty: name a target",
		},
		"an item of a list": {
			sources{file: "rules:\n  - from: a\n  - from: b\n"},
			errors.New("rules[1].to is 0: give more"),
			"app.yaml:3:5: rules[1].to is 0: give more",
		},
		"a default": {sources{}, errors.New("http.queue is 8: that is too many"), "http.queue is 8: that is too many"},
		"several": {
			sources{file: "http: {queue: 0, share: 2}"},
			errors.Join(errors.New("http.queue: a"), errors.Join(errors.New("http.share: b"))),
			"app.yaml:1:15: http.queue: a\napp.yaml:1:25: http.share: b",
		},
		"in the order of the lines, with those of loading": {
			sources{file: "http: {queue: 0}\nrules: 1\nmodels: {a: []}\n"},
			errors.Join(errors.New("models.a: b"), errors.New("http.queue: a")),
			"app.yaml:1:15: http.queue: a\napp.yaml:2:8: rules is \"1\": give a list such as [{from: ..., to: ...}]\napp.yaml:3:10: models.a: b",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			_, loaded, _ := test.loadIn(t, folder)
			got := faults(loaded.Report(test.found), folder)
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
