package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestLogIsForCollectorsWhereNoPersonReadsIt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config LogConfig
		want   string
	}{
		"auto":        {LogConfig{Level: "info", Format: "auto"}, `"msg":"said"`},
		"json":        {LogConfig{Level: "info", Format: "json"}, `"msg":"said"`},
		"text":        {LogConfig{Level: "info", Format: "text"}, "msg=said"},
		"below level": {LogConfig{Level: "warn", Format: "text"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			newLog(test.config, &out).Info("said")
			if got := out.String(); !strings.Contains(got, test.want) || test.want == "" && got != "" {
				t.Errorf("the log is %q, want %q in it", got, test.want)
			}
		})
	}
}
