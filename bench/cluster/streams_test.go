package main

import "testing"

func TestReaderCountsWhatIsMissingAndWhatComesTwice(t *testing.T) {
	t.Parallel()
	begin := []string{
		`data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","status":"in_progress"}}`,
		`data: {"type":"response.output_text.delta","sequence_number":3,"delta":"one"}`,
	}
	for name, tt := range map[string]struct {
		line          string
		gaps, repeats int
		ended         string
		continued     bool
		resumed       bool
	}{
		"nothing":              {line: `data: {"type":"response.output_text.delta","sequence_number":7,"delta":" two"}`},
		"a delta that is lost": {line: `data: {"type":"response.output_text.delta","sequence_number":9,"delta":" two"}`, gaps: 1},
		"a delta that came":    {line: `data: {"type":"response.output_text.delta","sequence_number":3,"delta":"one"}`, repeats: 1},
		"a continuation":       {line: `: parley.continued by simulated/echo after simulated/echo`, continued: true},
		"the end":              {line: `data: {"type":"response.completed","sequence_number":4,"response":{"id":"resp_1","status":"completed"}}`, ended: "completed"},
		"an end behind what was stored, read on": {
			line:  `data: {"type":"response.incomplete","sequence_number":2,"response":{"id":"resp_1","status":"incomplete","incomplete_details":{"reason":"server_restart"}}}`,
			ended: "incomplete_server_restart", resumed: true,
		},
		"the same where it was not read on": {
			line:  `data: {"type":"response.incomplete","sequence_number":2,"response":{"id":"resp_1","status":"incomplete","incomplete_details":{"reason":"server_restart"}}}`,
			ended: "incomplete_server_restart", repeats: 1,
		},
		"a failure, for a while": {line: `data: {"type":"error","code":"conversation_restarted","sequence_number":3}`, ended: "conversation_restarted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &seenStream{cursor: -1, resumed: tt.resumed}
			for _, line := range append(begin, tt.line) {
				s.hear(line)
			}
			if s.id != "resp_1" || s.gaps != tt.gaps || s.repeats != tt.repeats || s.ended != tt.ended || s.continued != tt.continued {
				t.Errorf("got %+v", s)
			}
		})
	}
}
