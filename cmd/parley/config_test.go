package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// carryOut runs a command in this process.
func carryOut(environment []string, arguments ...string) (status int, out, err string) {
	var stdout, stderr bytes.Buffer
	status = run(context.Background(), world{arguments: arguments, environment: environment, out: &stdout, err: &stderr})
	return status, stdout.String(), stderr.String()
}

func TestConfigPrintShowsEveryValueAndItsOrigin(t *testing.T) {
	t.Parallel()
	environment := []string{
		"DATABASE_URL=postgres://parley:SECRET@db/parley", "TEAM_KEY=SECRET", "ANTHROPIC_API_KEY=SECRET",
		"PARLEY_HTTP_TURN_TIMEOUT=5m", "PARLEY_PROVIDERS_LOCAL_API_KEY=SECRET", "PARLEY_LOG_LEVEL=",
	}
	status, out, err := carryOut(environment, "config", "print", "--config", "testdata/parley.yaml", "--data", "/var/lib/parley", "--demo")
	if status != 0 || err != "" {
		t.Fatalf("status %d: %s", status, err)
	}
	if strings.Contains(out, "SECRET") {
		t.Error("it prints a secret")
	}
	golden(t, filepath.Join("testdata", "config_print.golden"), out)
}

func TestConfigCheckSaysThatNothingIsWrong(t *testing.T) {
	t.Parallel()
	status, out, err := carryOut(nil, "config", "check")
	if status != 0 || out != "the configuration is good\n" || err != "" {
		t.Errorf("status %d: %q, %q", status, out, err)
	}
}

func TestWhatIsWrongWithAConfigurationIsSaid(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file      string
		env       []string
		arguments []string
		want      []string
	}{
		"an unknown key": {
			file: "http:\n  max_bdy: 1\n",
			want: []string{"parley.yaml:2:3: http.max_bdy is not known: did you mean http.max_body?"},
		},
		"a wrong type": {
			file: "http:\n  max_body: lots\n",
			want: []string{`parley.yaml:2:13: http.max_body is "lots": give a number of bytes such as 4194304 or 4MiB`},
		},
		"out of range": {
			file: "http:\n  max_body: 1\nadmission:\n  max_running: 0\n",
			want: []string{
				"parley.yaml:2:13: http.max_body is 1: give a number of bytes from 1024 to 67108864",
				"parley.yaml:4:16: admission.max_running is 0: give a number of turns above 0, such as 4096",
			},
		},
		"broken YAML": {
			file: "http: [\n",
			want: []string{"parley.yaml:1:1: this is not YAML: did not find expected node content"},
		},
		"no such file": {
			arguments: []string{"--config", "none.yaml"},
			want:      []string{"none.yaml: the configuration cannot be read: there is no such file"},
		},
		"an unknown variable": {
			env:  []string{"PARLEY_HTTP_LISTN=x"},
			want: []string{"PARLEY_HTTP_LISTN: no key has this name: did you mean PARLEY_HTTP_LISTEN?"},
		},
		"a variable out of range": {
			env:  []string{"PARLEY_SHARD_IDLE_AFTER=1ms"},
			want: []string{"PARLEY_SHARD_IDLE_AFTER: shard.idle_after is 1ms: give a duration of at least 1s, such as 5m"},
		},
		"a flag that makes no sense": {
			arguments: []string{"--listen", "8080"},
			want:      []string{`--listen: http.listen is "8080": give host:port, such as 127.0.0.1:8080`},
		},
		"a switch that makes no sense": {
			arguments: []string{"--demo=perhaps"},
			want:      []string{`--demo: demo is "perhaps": give true or false`},
		},
		"no data folder": {
			file: "data: ''\n",
			want: []string{"parley.yaml:1:7: data is empty: name a folder, such as ./data"},
		},
		"a log level": {
			file: "log: {level: loud, format: xml}\n",
			want: []string{
				`parley.yaml:1:14: log.level is "loud": give debug, info, warn or error`,
				`parley.yaml:1:28: log.format is "xml": give auto, json or text`,
			},
		},
		"a model of no provider": {
			file: "models:\n  fast: [{target: nobody/x}]\n",
			want: []string{`parley.yaml:2:19: models.fast.targets[0].target is "nobody/x": there is no provider nobody; there are simulated`},
		},
		"a provider that is this server": {
			env:  []string{"OPENAI_BASE_URL=http://localhost:8080/v1"},
			want: []string{`OPENAI_BASE_URL: providers.openai.base_url is "http://localhost:8080/v1", where this server itself listens: give the provider's address, or unset what sets it`},
		},
		"a reference to nothing": {
			file: "store: {postgres: {url: '${DATABASE_URL}'}}\n",
			want: []string{"parley.yaml:1:25: store.postgres.url: ${DATABASE_URL} is not set in the environment: set it, or write $$ where a $ is meant"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arguments := append([]string{"config", "check"}, test.arguments...)
			folder := t.TempDir()
			if test.file != "" {
				path := filepath.Join(folder, "parley.yaml")
				writeFile(t, path, test.file)
				arguments = append(arguments, "--config", path)
			}
			status, out, err := carryOut(test.env, arguments...)
			want := strings.Join(append(test.want, "parley: the configuration has "+count(len(test.want), "fault"), ""), "\n")
			if diff := cmp.Diff(want, strings.ReplaceAll(err, folder+"/", "")); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if status != 1 || out != "" {
				t.Errorf("status %d, output %q", status, out)
			}
		})
	}
}

func TestServerWithAFaultyConfigurationDoesNotStart(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	status, _, err := carryOut([]string{"PARLEY_HTTP_MAX_BODY=lots"}, "serve", "--data", data)
	if status != 1 || !strings.Contains(err, "the configuration has 1 fault") {
		t.Errorf("status %d: %s", status, err)
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("it made its data folder all the same")
	}
}

func TestMistypedCommandsAndFlagsAreAnsweredWithTheNearest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ arguments, want string }{
		{"serv", "unknown command \"serv\" for \"parley\"\n\nDid you mean this?\n\tserve\n"},
		{"serve --lisen x", "parley serve has no flag --lisen: did you mean --listen?\nSee parley serve --help"},
		{"serve --colour", "parley serve has no flag --colour\nSee parley serve --help"},
		{"serve --listen", "flag needs an argument: --listen\nSee parley serve --help"},
		{"serve now", `unknown command "now" for "parley serve"`},
		{"key revoke", "accepts 1 arg(s), received 0"},
		{"usage --from yesterday", "--from is \"yesterday\"\n  to do: give a day such as 2030-01-31, a moment such as 2030-01-31T12:00:00Z, or a time from now such as 90d or 12h"},
		{"usage --from 2030-02-01 --to 2030-01-01", "--from (2030-02-01 00:00:00) is not before --to (2030-01-01 00:00:00)"},
	} {
		status, _, err := carryOut(nil, strings.Fields(test.arguments)...)
		if status != 1 || !strings.Contains(err, test.want) {
			t.Errorf("parley %s: status %d\n got %q\nwant %q", test.arguments, status, err, test.want)
		}
	}
}

func TestVariablesThatAreNotOursAreLeftAlone(t *testing.T) {
	t.Parallel()
	environment := []string{
		"PARLEY_SERVICE_HOST=10.0.0.1", "PARLEY_SERVICE_PORT_HTTP=80", "PARLEY_PORT=tcp://10.0.0.1:80", "PARLEY_PORT_80_TCP_ADDR=10.0.0.1",
		"PARLEY_TEST_POSTGRES_URL=x", "PARLEY_CONFIG=", "PARLEY_BOOTSTRAP_KEY=pk_a_b", "PARLEY_ADMIN_KEY_FILE=/none", "PATH=/bin",
	}
	if status, _, err := carryOut(environment, "config", "check"); status != 0 {
		t.Errorf("status %d: %s", status, err)
	}
}

func TestAddressesOfThisServer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		connected, listened string
		want                bool
	}{
		{"127.0.0.1:8080", "127.0.0.1:8080", true},
		{"localhost:8080", "127.0.0.1:8080", true},
		{"localhost:8080", "0.0.0.0:8080", true},
		{"[::1]:8080", ":8080", true},
		{"10.0.0.1:8080", "10.0.0.1:8080", true},
		{"127.0.0.1:11434", "127.0.0.1:8080", false},
		{"10.0.0.2:8080", "10.0.0.1:8080", false},
		{"api.openai.com", "127.0.0.1:8080", false},
		{"127.0.0.1:0", "127.0.0.1:0", false},
	} {
		if got := samePlace(test.connected, test.listened); got != test.want {
			t.Errorf("samePlace(%q, %q) is %t", test.connected, test.listened, got)
		}
	}
}
