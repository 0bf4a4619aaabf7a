package main

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// deployed is a server as a file under deploy/ starts it.
type deployed struct {
	arguments   []string
	environment map[string]string
}

// startsAs checks the configuration that the server would have, with what its secrets
// and certificates stand for in a folder of the test's own.
func (d deployed) startsAs(t *testing.T, name string) {
	t.Helper()
	folder := t.TempDir()
	environment := make([]string, 0, len(d.environment))
	for variable, value := range d.environment {
		if strings.HasSuffix(variable, "_FILE") {
			own := filepath.Join(folder, filepath.Base(value))
			secret := strings.Repeat("secret", 6)
			if strings.HasSuffix(value, "-url") {
				secret = strings.TrimSuffix(filepath.Base(value), "-url") + "://parley:secret@host/0"
			}
			if err := os.WriteFile(own, []byte(secret), 0o600); err != nil {
				t.Fatal(err)
			}
			value = own
		}
		environment = append(environment, variable+"="+value)
	}
	if len(d.arguments) == 0 || d.arguments[0] != "serve" {
		t.Fatalf("%s is started with %q", name, d.arguments)
	}
	status, out, err := carryOut(environment, append([]string{"config", "check"}, d.arguments[1:]...)...)
	if status != 0 {
		t.Errorf("%s: %s%s", name, out, err)
	}
}

func TestComposedServersHaveAGoodConfiguration(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/compose/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Command     []string
			Environment map[string]string
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"node-1", "node-2", "node-3"} {
		one := file.Services[name]
		maps.DeleteFunc(one.Environment, func(_, value string) bool { return strings.HasPrefix(value, "${") })
		deployed{one.Command, one.Environment}.startsAs(t, name)
		if advertised := one.Environment["PARLEY_CLUSTER_ADVERTISE"]; advertised != name+":7946" {
			t.Errorf("%s is known as %q", name, advertised)
		}
	}
	edge := file.Services["edge"]
	deployed{edge.Command, edge.Environment}.startsAs(t, "edge")
	certs := file.Services["certificates"].Command
	for i, argument := range certs {
		certs[i] = strings.Replace(argument, "/data", t.TempDir(), 1)
	}
	for range 2 { // it is run with each start
		if status, _, err := carryOut(nil, certs...); status != 0 {
			t.Error(err)
		}
	}
}

func TestServersInPodsHaveAGoodConfiguration(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/kubernetes/parley.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Kind string
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Args []string
						Env  []struct{ Name, Value string }
					}
				}
			}
		}
	}
	kinds := make(map[string]int)
	for documents := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o object
		if err := documents.Decode(&o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		kinds[o.Kind]++
		for _, container := range o.Spec.Template.Spec.Containers {
			environment := make(map[string]string)
			for _, variable := range container.Env {
				environment[variable.Name] = strings.ReplaceAll(variable.Value, "$(POD_IP)", "10.1.2.3")
			}
			deployed{container.Args, environment}.startsAs(t, o.Kind)
		}
	}
	if kinds["StatefulSet"] != 1 || kinds["PodDisruptionBudget"] != 1 {
		t.Errorf("there are %v", kinds)
	}
}
