package anthropic

import "testing"

func TestVersionOf(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]int{
		"claude-opus-4-8":                              408,
		"claude-fable-5":                               500,
		"claude-sonnet-4-20250514":                     400,
		"claude-sonnet-4-5-20250929":                   405,
		"claude-3-7-sonnet-20250219":                   307,
		"claude-3-opus-20240229":                       300,
		"claude-2.1":                                   0,
		"claude-mythos-preview":                        0,
		"claude-opus-4-1@20250805":                     401,
		"us.anthropic.claude-sonnet-4-5-20250929-v1:0": 405,
		"anthropic/claude-opus-4-7":                    407,
		"claude-opus-10-2":                             1002,
		"deepseek-chat":                                0,
		"claude-":                                      0,
		"":                                             0,
	} {
		if got := versionOf(model); got != want {
			t.Errorf("version of %q is %d, want %d", model, got, want)
		}
	}
}

func TestTooDeep(t *testing.T) {
	t.Parallel()
	nest := func(n int) []byte {
		body := make([]byte, 0, 2*n)
		for range n {
			body = append(body, '[')
		}
		for range n {
			body = append(body, ']')
		}
		return body
	}
	for name, tt := range map[string]struct {
		body []byte
		want bool
	}{
		"at the limit":               {nest(maxDepth), false},
		"over it":                    {nest(maxDepth + 1), true},
		"brackets in a text":         {[]byte(`"` + string(nest(maxDepth+1)) + `"`), false},
		"brackets behind an escape":  {[]byte(`"\"` + string(nest(maxDepth+1)) + `"`), false},
		"brackets behind a text":     {append([]byte(`"\\"`), nest(maxDepth+1)...), true},
		"side by side is not deeper": {append(nest(40), nest(40)...), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tooDeep(tt.body); got != tt.want {
				t.Errorf("tooDeep is %t", got)
			}
		})
	}
}
