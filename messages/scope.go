package messages

import (
	"fmt"
	"slices"
	"strings"
)

// Scopes are parts of the API that a key opens. None at all opens every part:
// what is added to the API later, too.
type Scopes uint16

// The scopes. Their values are kept nowhere: stores and the wire have the names.
const (
	ScopeChat          Scopes = 1 << iota // chat completions
	ScopeResponses                        // responses
	ScopeConversations                    // conversations, also where a turn names one
	ScopeEmbeddings                       // embeddings
	ScopeCache                            // the tenant's part of the cache
	ScopeUsage                            // what was used and spent
)

var scopeNames = [...]string{"chat", "responses", "conversations", "embeddings", "cache", "usage"}

// Has tells whether a key with these scopes opens what needs all of the wanted.
func (s Scopes) Has(wanted Scopes) bool { return s == 0 || s&wanted == wanted }

// Names lists the scopes in order; it is empty for none.
func (s Scopes) Names() []string {
	names := []string{}
	for i, name := range scopeNames {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String is the names with commas between them.
func (s Scopes) String() string { return strings.Join(s.Names(), ",") }

// ParseScopes reads what Names lists. Its errors are *Failure.
func ParseScopes(names []string) (s Scopes, err error) {
	for _, name := range names {
		at := slices.Index(scopeNames[:], name)
		if at < 0 {
			return 0, &Failure{
				Code: CodeInvalidRequest, What: fmt.Sprintf("there is no scope %.64q", name),
				Do: "give some of " + strings.Join(scopeNames[:], ", ") + ", or none for all", Param: "scopes",
			}
		}
		s |= 1 << at
	}
	return s, nil
}
