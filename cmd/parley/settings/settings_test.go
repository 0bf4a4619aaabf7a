package settings_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/cmd/parley/settings"
)

// config has a key of each kind.
type config struct {
	HTTP      web                 `koanf:"http"`
	Store     disk                `koanf:"store"`
	Providers map[string]provider `koanf:"providers"`
	Models    map[string][]string `koanf:"models"`
	Rules     []rule              `koanf:"rules"`
	Parts     `koanf:",squash"`
}

// Parts holds sections that are declared together elsewhere.
type Parts struct {
	Queue struct {
		Length int `koanf:"length"`
	} `koanf:"queue"`
}

type web struct {
	Listen  string        `koanf:"listen"`
	MaxBody int           `koanf:"max_body" unit:"bytes"`
	Timeout time.Duration `koanf:"timeout"`
	Trusted []string      `koanf:"trusted_proxies"`
	Verbose bool          `koanf:"verbose"`
	Queue   uint8         `koanf:"queue"`
	Share   float64       `koanf:"share"`
}

type disk struct {
	Path string `koanf:"path"`
	URL  string `koanf:"url" secret:"true"`
}

type provider struct {
	BaseURL string            `koanf:"base_url"`
	APIKey  string            `koanf:"api_key" secret:"true"`
	Headers map[string]string `koanf:"headers" secret:"true"`
	Wait    time.Duration     `koanf:"wait"`
	Level   level             `koanf:"level"`
}

type rule struct {
	From string `koanf:"from"`
	To   int    `koanf:"to"`
}

// level reads itself.
type level struct{ n int }

func (l *level) UnmarshalText(text []byte) error {
	switch string(text) {
	case "low":
		l.n = 1
	case "high":
		l.n = 2
	default:
		return errors.New("neither low nor high")
	}
	return nil
}

func (l level) String() string { return [...]string{"", "low", "high"}[l.n] }

func defaults() config {
	return config{
		HTTP: web{
			Listen: "127.0.0.1:8080", MaxBody: 4 << 20, Timeout: 90 * time.Second,
			Trusted: []string{"127.0.0.1", "10.0.0.1", "10.0.0.2"}, Queue: 8, Share: 0.5,
		},
		Providers: map[string]provider{"built_in": {BaseURL: "http://localhost", Wait: time.Minute}},
	}
}

// sources are what a test says.
type sources struct {
	file  string // content of app.yaml; empty for no such file
	env   []string
	flags []settings.Flag
}

// load returns the configuration, and the faults without the test's folder.
func (s sources) load(t *testing.T) (*config, *settings.Loaded, string) {
	t.Helper()
	return s.loadIn(t, t.TempDir())
}

func (s sources) loadIn(t *testing.T, folder string) (*config, *settings.Loaded, string) {
	t.Helper()
	from := settings.Sources{
		Prefix: "APP_", Environment: s.env, Flags: s.flags,
		Ignored: func(name string) bool { return strings.HasPrefix(name, "APP_TEST_") },
		Shared:  map[string]string{"OPENAI_API_KEY": "providers.openai.api_key", "OPENAI_BASE_URL": "providers.openai.base_url"},
	}
	if s.file != "" {
		from.File = filepath.Join(folder, "app.yaml")
		write(t, from.File, s.file)
	}
	c := defaults()
	loaded := settings.Load(&c, from)
	return &c, loaded, faults(loaded.Report(nil), folder)
}

func faults(err error, folder string) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), folder+"/", "")
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mustLoad wants no faults.
func (s sources) mustLoad(t *testing.T) *config {
	t.Helper()
	c, _, faults := s.load(t)
	if faults != "" {
		t.Fatal(faults)
	}
	return c
}

func TestLaterSourcesGoBeforeEarlierOnes(t *testing.T) {
	t.Parallel()
	s := sources{
		file:  "http:\n  listen: from-file\n  queue: 3\n  share: 0.25\n",
		env:   []string{"APP_HTTP_LISTEN=from-variable", "APP_HTTP_QUEUE=4"},
		flags: []settings.Flag{{Name: "--listen", Key: "http.listen", Value: "from-flag"}},
	}
	c, loaded, faults := s.load(t)
	if faults != "" {
		t.Fatal(faults)
	}
	want := defaults()
	want.HTTP.Listen, want.HTTP.Queue, want.HTTP.Share = "from-flag", 4, 0.25
	if diff := cmp.Diff(want, *c, cmp.AllowUnexported(level{})); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	var origins []string
	for _, v := range loaded.Values() {
		if name, ok := strings.CutPrefix(v.Key, "http."); ok {
			origins = append(origins, name+" "+filepath.Base(v.Origin.String()))
		}
	}
	wantOrigins := []string{
		"listen --listen", "max_body default", "timeout default", "trusted_proxies default", "verbose default",
		"queue APP_HTTP_QUEUE", "share app.yaml:4",
	}
	if diff := cmp.Diff(wantOrigins, origins); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
}

func TestFileFillsEveryKindOfKey(t *testing.T) {
	t.Parallel()
	c := sources{file: `
http:
  listen: 0.0.0.0:80
  max_body: 1.5 MiB
  timeout: 1m30s
  trusted_proxies: [192.168.0.1]
  verbose: yes
  queue: 255
store:
  # path: nothing is said here
providers:
  local:
    base_url: http://localhost:11434
    headers: {X-Team: blue}
    level: high
  named-only:
models:
  gpt-4.1: [openai/gpt-4.1, local/llama]
  fast: local/llama
rules:
  - {from: a, to: 1_000}
  - from: b
queue: {length: 5}
`}.mustLoad(t)
	want := defaults()
	want.HTTP = web{
		Listen: "0.0.0.0:80", MaxBody: 3 << 19, Timeout: 90 * time.Second, Trusted: []string{"192.168.0.1"},
		Verbose: true, Queue: 255, Share: 0.5,
	}
	want.Providers["local"] = provider{
		BaseURL: "http://localhost:11434", Headers: map[string]string{"X-Team": "blue"}, Level: level{2},
	}
	want.Providers["named-only"] = provider{}
	want.Queue.Length = 5
	want.Models = map[string][]string{"gpt-4.1": {"openai/gpt-4.1", "local/llama"}, "fast": {"local/llama"}}
	want.Rules = []rule{{From: "a", To: 1000}, {From: "b"}}
	if diff := cmp.Diff(want, *c, cmp.AllowUnexported(level{})); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestSizesAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]int{
		"4194304": 4 << 20, "4_194_304": 4 << 20, "4MiB": 4 << 20, "4 MiB": 4 << 20, "4mib": 4 << 20,
		"4MB": 4e6, "0.5GiB": 1 << 29, "10 kB": 10e3, "512B": 512, "0": 0,
	} {
		if c := (sources{env: []string{"APP_HTTP_MAX_BODY=" + written}}).mustLoad(t); c.HTTP.MaxBody != want {
			t.Errorf("%q is read as %d, want %d", written, c.HTTP.MaxBody, want)
		}
	}
}

func TestAnEntryKeepsTheDefaultsThatTheFileDoesNotTouch(t *testing.T) {
	t.Parallel()
	c := sources{file: "providers:\n  built_in:\n    wait: 5s\n"}.mustLoad(t)
	want := provider{BaseURL: "http://localhost", Wait: 5 * time.Second}
	if diff := cmp.Diff(want, c.Providers["built_in"], cmp.AllowUnexported(level{})); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
}

func TestVariablesFindTheirKeys(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file string
		env  string
		got  func(*config) any
		want any
	}{
		"a key with underscores":   {env: "APP_HTTP_MAX_BODY=7", got: func(c *config) any { return c.HTTP.MaxBody }, want: 7},
		"a list with commas":       {env: "APP_HTTP_TRUSTED_PROXIES=a, b", got: func(c *config) any { return c.HTTP.Trusted }, want: []string{"a", "b"}},
		"a list as YAML":           {env: `APP_HTTP_TRUSTED_PROXIES=["a,b", c]`, got: func(c *config) any { return c.HTTP.Trusted }, want: []string{"a,b", "c"}},
		"an entry of its own":      {env: "APP_PROVIDERS_GROQ_BASE_URL=u", got: func(c *config) any { return c.Providers["groq"].BaseURL }, want: "u"},
		"an entry of a default":    {env: "APP_PROVIDERS_BUILT_IN_BASE_URL=u", got: func(c *config) any { return c.Providers["built_in"].BaseURL }, want: "u"},
		"a new entry of two words": {env: "APP_PROVIDERS_TWO_WORDS_BASE_URL=u", got: func(c *config) any { return c.Providers["two_words"].BaseURL }, want: "u"},
		"an entry of the file": {
			file: "providers: {my-own.llm: {wait: 1s}}", env: "APP_PROVIDERS_MY_OWN_LLM_BASE_URL=u",
			got: func(c *config) any { return c.Providers["my-own.llm"] }, want: provider{BaseURL: "u", Wait: time.Second},
		},
		"a table of lists":  {env: "APP_MODELS_FAST=a,b", got: func(c *config) any { return c.Models["fast"] }, want: []string{"a", "b"}},
		"a table as YAML":   {env: "APP_MODELS={gpt-4.1: a}", got: func(c *config) any { return c.Models }, want: map[string][]string{"gpt-4.1": {"a"}}},
		"nothing is no key": {env: "APP_HTTP_LISTEN=", got: func(c *config) any { return c.HTTP.Listen }, want: "127.0.0.1:8080"},
		"one that is ignored": {
			env: "APP_TEST_POSTGRES_URL=x", got: func(c *config) any { return c.Store }, want: disk{},
		},
		"a shared one": {env: "OPENAI_API_KEY=k", got: func(c *config) any { return c.Providers["openai"].APIKey }, want: "k"},
		"a shared one behind the file": {
			file: "providers: {openai: {api_key: of-the-file}}", env: "OPENAI_API_KEY=k",
			got: func(c *config) any { return c.Providers["openai"].APIKey }, want: "of-the-file",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sources{file: test.file, env: []string{test.env}}.mustLoad(t)
			if diff := cmp.Diff(test.want, test.got(c), cmp.AllowUnexported(level{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFileRefersToTheEnvironment(t *testing.T) {
	t.Parallel()
	c := sources{
		file: "http: {listen: '${HOST}:${PORT}', max_body: '${SIZE}'}\nstore: {path: '$${HOME}/a$b$'}\n",
		env:  []string{"HOST=example.org", "PORT=80", "SIZE=1MiB"},
	}.mustLoad(t)
	if got, want := c.HTTP.Listen, "example.org:80"; got != want {
		t.Errorf("listen is %q, want %q", got, want)
	}
	if got, want := c.HTTP.MaxBody, 1<<20; got != want {
		t.Errorf("max_body is %d, want %d", got, want)
	}
	if got, want := c.Store.Path, "${HOME}/a$b$"; got != want {
		t.Errorf("path is %q, want %q", got, want)
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "key")
	write(t, path, "s3cret\n")
	tests := map[string]sources{
		"named in the file":           {file: "providers: {openai: {api_key_file: " + path + "}}"},
		"named by a variable":         {env: []string{"APP_PROVIDERS_OPENAI_API_KEY_FILE=" + path}},
		"named by a shared variable":  {env: []string{"OPENAI_API_KEY_FILE=" + path}},
		"above a secret of the file":  {file: "providers: {openai: {api_key: x}}", env: []string{"APP_PROVIDERS_OPENAI_API_KEY_FILE=" + path}},
		"above a shared variable too": {file: "providers: {openai: {api_key_file: " + path + "}}", env: []string{"OPENAI_API_KEY=x"}},
	}
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := s.mustLoad(t).Providers["openai"].APIKey; got != "s3cret" {
				t.Errorf("the key is %q, want s3cret", got)
			}
		})
	}
}

func TestSecretFileIsLookedForBesideTheFileThatNamesIt(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "key"), "s3cret")
	write(t, filepath.Join(folder, "app.yaml"), "store: {url_file: key}")
	c := defaults()
	if err := settings.Load(&c, settings.Sources{Prefix: "APP_", File: filepath.Join(folder, "app.yaml")}).Report(nil); err != nil {
		t.Fatal(err)
	}
	if c.Store.URL != "s3cret" {
		t.Errorf("the secret is %q, want s3cret", c.Store.URL)
	}
}

func TestValuesShowNoSecret(t *testing.T) {
	t.Parallel()
	const marker = "MARKED"
	_, loaded, faults := sources{file: `
store: {path: "postgres://user:MARKED@host/db", url: MARKED}
providers:
  openai: {api_key: MARKED, headers: {X-Auth: MARKED}}
`}.load(t)
	if faults != "" {
		t.Fatal(faults)
	}
	for _, v := range loaded.Values() {
		if strings.Contains(v.Text, marker) {
			t.Errorf("%s shows %s", v.Key, v.Text)
		}
	}
}

func TestValuesAreWrittenAsAnOperatorWould(t *testing.T) {
	t.Parallel()
	_, loaded, faults := sources{
		file: "providers: {openai: {wait: 1h, level: low}}\nmodels: {a: [b, c]}\nrules: [{from: x, to: 2}]",
		env:  []string{"APP_STORE_URL=x"},
	}.load(t)
	if faults != "" {
		t.Fatal(faults)
	}
	got := make([]string, 0, 30)
	for _, v := range loaded.Values() {
		got = append(got, v.Key+" "+v.Text+" "+filepath.Base(v.Origin.String()))
	}
	want := []string{
		"http.listen 127.0.0.1:8080 default",
		"http.max_body 4MiB default",
		"http.timeout 1m30s default",
		"http.trusted_proxies [127.0.0.1, 10.0.0.1, 10.0.0.2] default",
		"http.verbose false default",
		"http.queue 8 default",
		"http.share 0.5 default",
		`store.path "" default`,
		"store.url (secret) APP_STORE_URL",
		"providers.built_in.base_url http://localhost default",
		`providers.built_in.api_key "" default`,
		"providers.built_in.headers {} default",
		"providers.built_in.wait 1m default",
		"providers.built_in.level  default",
		`providers.openai.base_url "" default`,
		`providers.openai.api_key "" default`,
		"providers.openai.headers {} default",
		"providers.openai.wait 1h app.yaml:1",
		"providers.openai.level low app.yaml:1",
		"models.a [b, c] app.yaml:2",
		"rules [{from: x, to: 2}] app.yaml:3",
		"queue.length 0 default",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}
