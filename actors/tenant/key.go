package tenant

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"

	"example.com/parley/messages"
)

// A key reads pk_<id>_<secret>. The id is public: it names the key in lists,
// logs and the ledger. Of the secret only the hash is kept. The secret is random
// and as long as the hash, so that a fast hash without salt is enough.
const (
	keyPrefix   = "pk_"
	idBytes     = 8  // 16 hex digits: no two keys of one server are alike
	secretBytes = 32 // 64 hex digits
	maxID       = 64
	maxSecret   = 256
)

// Secret is a whole key, as its owner presents it. It prints as its public half.
type Secret struct{ text string }

// Reveal returns the key. It is shown once, to whoever made it.
func (s Secret) Reveal() string { return s.text }

// String hides the secret half.
func (s Secret) String() string {
	id, _, _ := split(s.text)
	return keyPrefix + id + "_..."
}

// newSecret makes up a key.
func newSecret() Secret {
	var random [idBytes]byte
	_, _ = rand.Read(random[:]) // never fails: the process ends instead
	return anotherSecret(messages.KeyID(hex.EncodeToString(random[:])))
}

// anotherSecret makes up a secret for a key that has its id.
func anotherSecret(id messages.KeyID) Secret {
	var random [secretBytes]byte
	_, _ = rand.Read(random[:])
	return Secret{keyPrefix + string(id) + "_" + hex.EncodeToString(random[:])}
}

// ParseSecret reads a key that somebody made up, such as PARLEY_BOOTSTRAP_KEY.
// Its errors do not repeat it.
func ParseSecret(presented string) (Secret, error) {
	if _, _, ok := split(presented); !ok {
		return Secret{}, &messages.Failure{
			Code: messages.CodeInvalidKey, What: "a key must read pk_<id>_<secret>",
			Do: "give an id of at most 64 letters and digits, and a long random secret, such as: pk_first_$(openssl rand -hex 32)",
		}
	}
	return Secret{presented}, nil
}

// key describes the secret as the store keeps it.
func (s Secret) key() messages.APIKey {
	id, secret, _ := split(s.text)
	return messages.APIKey{ID: messages.KeyID(id), Hash: hash(secret)}
}

// split takes a presented key apart. It allocates nothing.
func split(presented string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(presented, keyPrefix)
	if !ok {
		return "", "", false
	}
	id, secret, ok = strings.Cut(rest, "_")
	ok = ok && id != "" && len(id) <= maxID && secret != "" && len(secret) <= maxSecret && alphanumeric(id)
	return id, secret, ok
}

func alphanumeric(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// hash is what the store keeps of a secret: SHA-256 of its text, which must not
// be longer than maxSecret.
func hash(secret string) [sha256.Size]byte {
	var text [maxSecret]byte // a conversion to bytes would be an allocation a request
	return sha256.Sum256(text[:copy(text[:], secret)])
}

// opens tells whether the secret is one of the key's two, in a time that does not
// depend on how much of it is right, and whether that is good at the time.
func opens(k *messages.APIKey, secret string, now time.Time) bool {
	presented := hash(secret)
	same := subtle.ConstantTimeCompare(presented[:], k.Hash[:]) == 1
	old := subtle.ConstantTimeCompare(presented[:], k.OldHash[:]) == 1
	return (same || old && now.Before(k.OldExpires)) && k.Revoked.IsZero() && (k.Expires.IsZero() || now.Before(k.Expires))
}
