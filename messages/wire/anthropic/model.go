package anthropic

import (
	"strconv"
	"strings"
)

// abilities are those of a model that decide what a request to it may hold.
// Anthropic changed them by version, and answers 400 to what no longer is.
type abilities struct {
	adaptive bool // thinks as much as it sees fit, steered by an effort; older ones take a budget
	sampling bool // takes temperature and top_p
	always   bool // thinks unasked: the least is a low effort
}

// The first versions of a change, as 100 * major + minor. Source: Anthropic's
// migration guide to each.
const (
	firstAdaptive        = 406
	firstWithoutSampling = 407 // and without budgets
	firstAlwaysThinking  = 500
)

// abilitiesOf reads them from the model's name. A name without a version, such
// as that of a compatible server's model, has those of the older format, which
// all of them understand.
func abilitiesOf(model string) abilities {
	version := versionOf(model)
	return abilities{
		adaptive: version >= firstAdaptive,
		sampling: version < firstWithoutSampling,
		always:   version >= firstAlwaysThinking,
	}
}

// versionOf finds the version in names such as claude-opus-4-7,
// claude-3-7-sonnet-20250219, anthropic.claude-sonnet-4-5-20250929-v1:0 and
// claude-opus-4-1@20250805. It returns 0 where there is none.
func versionOf(model string) int {
	_, name, ok := strings.Cut(model, "claude-")
	if !ok {
		return 0
	}
	name, _, _ = strings.Cut(name, "@")
	parts := strings.Split(name, "-")
	for i, part := range parts {
		major, ok := versionPart(part)
		if !ok {
			continue
		}
		minor := 0
		if i+1 < len(parts) {
			minor, _ = versionPart(parts[i+1])
		}
		return 100*major + minor
	}
	return 0
}

// versionPart reads a number of one or two digits: eight are a date.
func versionPart(s string) (n int, ok bool) {
	if len(s) == 0 || len(s) > 2 {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0
}
