package http_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	parleyhttp "example.com/parley/http"
)

// endpoints reads the surface out of the docs, which another test holds to it.
func endpoints(t *testing.T) (found [][2]string) {
	t.Helper()
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	surface, _, _ := strings.Cut(string(page), "\n## ") // the operators' listener has a table of its own
	for line := range strings.Lines(surface) {
		if fields := strings.Split(line, "|"); len(fields) > 3 && strings.HasPrefix(fields[2], " `/") {
			path := strings.NewReplacer("`", "", " ", "", "{id...}", "x/y", "{id}", "conv_x", "{item}", "msg_x").Replace(fields[2])
			found = append(found, [2]string{strings.TrimSpace(fields[1]), path})
		}
	}
	return found
}

func TestEveryRouteAsksForAMembersKey(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	surface := endpoints(t)
	if len(surface) < 20 {
		t.Fatalf("only %d routes were found", len(surface))
	}
	for _, e := range surface {
		method, path := e[0], e[1]
		open := !strings.HasPrefix(path, "/v1/")
		for name, test := range map[string]struct {
			header, value string
			status        int
			code          string
		}{
			"without a key":         {"Authorization", "", http.StatusUnauthorized, "invalid_api_key"},
			"with a scheme alone":   {"Authorization", "Bearer ", http.StatusUnauthorized, "invalid_api_key"},
			"with an admin's key":   {"Authorization", "Bearer " + adminKey, http.StatusForbidden, "permission_denied"},
			"with a member's key":   {"Authorization", "Bearer " + memberKey, 0, ""},
			"with another spelling": {"Authorization", "bearer " + memberKey, 0, ""},
		} {
			got := w.do(method, path, "", test.header, test.value)
			switch {
			case open:
				if got.status != http.StatusOK {
					t.Errorf("%s %s %s: status %d, want it open", method, path, name, got.status)
				}
			case test.status == 0:
				if got.status == http.StatusUnauthorized || got.status == http.StatusForbidden {
					t.Errorf("%s %s %s: status %d", method, path, name, got.status)
				}
			case got.status != test.status || got.errorOf(t).Code != test.code:
				t.Errorf("%s %s %s: status %d: %s", method, path, name, got.status, got.body)
			}
		}
	}
}

func TestAKeyInTheAddressOpensNothing(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	for _, name := range []string{"key", "api_key", "api-key", "access_token"} {
		got := w.do("GET", "/v1/models?"+name+"="+memberKey, "", "Authorization", "")
		if got.status != http.StatusUnauthorized || !strings.Contains(got.errorOf(t).Message, "address") || strings.Contains(got.body, memberKey) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

func TestAKeyMayComeAsXAPIKey(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	if got := w.do("GET", "/v1/models", "", "Authorization", "", "x-api-key", memberKey); got.status != http.StatusOK {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}

func TestWrongKeysAreCountedByAddress(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		trusted   []string
		forwarded string
		counted   string
	}{
		"of the peer": {nil, "", "127.0.0.1"},
		"whatever a peer says that nobody trusts":       {nil, "203.0.113.9", "127.0.0.1"},
		"of a trusted proxy's client":                   {[]string{"127.0.0.0/8"}, "203.0.113.9", "203.0.113.9"},
		"of the last hop that is not trusted":           {[]string{"127.0.0.1", "10.0.0.0/8"}, "198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"},
		"of the last header, which the proxy added":     {[]string{"127.0.0.0/8"}, "198.51.100.1\n203.0.113.9", "203.0.113.9"},
		"of the proxy where it says what is no address": {[]string{"127.0.0.0/8"}, "203.0.113.9, evil", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(t, says(hello()...), configured(func(c *parleyhttp.Config) { c.TrustedProxies = test.trusted }))
			for i := range 4 {
				got := w.do("GET", "/v1/models", "", "Authorization", "Bearer wrong", "X-Forwarded-For", test.forwarded)
				want := http.StatusUnauthorized
				if i == 3 {
					want = http.StatusTooManyRequests
				}
				if got.status != want {
					t.Errorf("try %d: status %d, want %d: %s", i+1, got.status, want, got.body)
				}
			}
			for key, want := range map[string]int{memberKey: http.StatusOK, otherKey: http.StatusTooManyRequests} { // the one was seen lately
				if got := w.do("GET", "/v1/models", "", "Authorization", "Bearer "+key, "X-Forwarded-For", test.forwarded); got.status != want {
					t.Errorf("with a key that is valid: status %d, want %d: %s", got.status, want, got.body)
				}
			}
			for _, address := range w.tries.failed {
				if address != test.counted {
					t.Errorf("%s was counted, want %s", address, test.counted)
				}
			}
		})
	}
}
