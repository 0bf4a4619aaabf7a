package tenant

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMadeUpKeysAreUniqueAndReadable(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 1000 {
		secret := newSecret()
		id, rest, ok := split(secret.Reveal())
		if !ok || len(id) != 16 || len(rest) != 64 || seen[id] || seen[rest] {
			t.Fatalf("%s is no key, or one that was made before", secret.Reveal())
		}
		seen[id], seen[rest] = true, true
	}
}

func TestSecretIsNotPrinted(t *testing.T) {
	t.Parallel()
	secret := newSecret()
	_, half, _ := split(secret.Reveal())
	for _, verb := range []string{"%s", "%v", "%+v", "%q"} {
		if printed := fmt.Sprintf(verb, secret); strings.Contains(printed, half[:8]) {
			t.Errorf("%s prints %s", verb, printed)
		}
	}
}

func TestSplitTakesApartWhatWasPutTogether(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[0-9A-Za-z]{1,64}`).Draw(t, "id")
		secret := rapid.StringMatching(`[!-~]{1,256}`).Draw(t, "secret")
		gotID, gotSecret, ok := split("pk_" + id + "_" + secret)
		if !ok || gotID != id || gotSecret != secret {
			t.Fatalf("got %q, %q, %v", gotID, gotSecret, ok)
		}
	})
}

func TestHashIsThatOfTheText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringN(0, 60, maxSecret).Draw(t, "secret")
		if hash(secret) != sha256.Sum256([]byte(secret)) {
			t.Fatalf("the hash of %q is another", secret)
		}
	})
}

func TestParseSecretDoesNotRepeatWhatItRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"topsecret", "pk_topsecret", "pk__topsecret", "pk_top-secret_x", "sk_a_topsecret"} {
		_, err := ParseSecret(text)
		if err == nil || strings.Contains(err.Error(), "topsecret") || strings.Contains(err.Error(), "top-secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ParseSecret("pk_first_a_secret_with_lines"); err != nil {
		t.Error(err)
	}
}

// FuzzSplit looks for keys that are taken for what they are not.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"", "pk_", "pk_a_b", "pk_a_b_c", "pk__b", "pk_a_", "sk_a_b", "pk_\x00_b", "pk_é_b", "pk_" + strings.Repeat("a", 65) + "_b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, presented string) {
		id, secret, ok := split(presented)
		if !ok {
			return
		}
		if id == "" || secret == "" || len(id) > maxID || len(secret) > maxSecret || "pk_"+id+"_"+secret != presented {
			t.Errorf("%q was read as %q and %q", presented, id, secret)
		}
	})
}
