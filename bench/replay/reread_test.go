package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// archive is a server that keeps one conversation of two turns, in so many
// words. What it says can be changed to what a faulty one would.
type archive struct {
	items    []item
	statuses map[string]string
	listed   []string
}

func text(id, role, said string) item {
	i := item{ID: id, Type: "message", Role: role}
	i.Content = append(i.Content, struct {
		Text string `json:"text"`
	}{said})
	return i
}

const firstTurn, secondTurn = "0190000000007000800000000000000a", "0190000000007000800000000000000b"

func newArchive() (*archive, *conversation) {
	a1 := upstreamReply("", said("q1"))
	a2 := upstreamReply("", said("q1", a1, "q2"))[:50]
	c := &conversation{ID: "conv_1", Turns: []*turn{
		{ask: ask{Question: "q1"}, Key: "k1", End: endWhole, Response: "chatcmpl-" + firstTurn, Text: a1},
		{ask: ask{Question: "q2"}, Key: "k2", End: endCut, Response: "resp_" + secondTurn, Text: a2, Outages: 1},
	}}
	return &archive{
		items: []item{
			text("msg_"+firstTurn+"_0", "user", "q1"), text("msg_"+firstTurn+"_1", "assistant", a1),
			text("msg_"+secondTurn+"_0", "user", "q2"), text("msg_"+secondTurn+"_1", "assistant", a2),
		},
		statuses: map[string]string{firstTurn: "completed", secondTurn: "incomplete"},
		listed:   []string{"conv_1"},
	}, c
}

func (a *archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	switch {
	case path[0] == "conversations" && len(path) == 1:
		made := make([]item, len(a.listed))
		for i, id := range a.listed {
			made[i].ID = id
		}
		send(w, r, made)
	case path[0] == "conversations":
		send(w, r, a.items)
	case path[0] == "responses" && a.statuses[strings.TrimPrefix(path[1], "resp_")] == "":
		http.Error(w, `{"error":{"code":"previous_response_not_found"}}`, http.StatusNotFound)
	case path[0] == "responses" && len(path) == 2:
		id := strings.TrimPrefix(path[1], "resp_")
		writeJSON(w, map[string]any{"id": path[1], "status": a.statuses[id], "output": a.of(id, "assistant")})
	default:
		send(w, r, a.of(strings.TrimPrefix(path[1], "resp_"), "user"))
	}
}

func (a *archive) of(turn, role string) []item {
	found := []item{}
	for _, i := range a.items {
		if i.Role == role && strings.Contains(i.ID, turn) {
			found = append(found, i)
		}
	}
	return found
}

// send writes the page of a listing that is asked for.
func send(w http.ResponseWriter, r *http.Request, all []item) {
	asked := r.URL.Query()
	limit, _ := strconv.Atoi(asked.Get("limit"))
	var ordered []item
	for i := range all {
		if asked.Get("order") == "desc" {
			i = len(all) - 1 - i
		}
		ordered = append(ordered, all[i])
	}
	for i := range ordered {
		if ordered[i].ID == asked.Get("after") {
			ordered = ordered[i+1:]
			break
		}
	}
	more := len(ordered) > limit
	ordered = ordered[:min(limit, len(ordered))]
	last := ""
	if len(ordered) > 0 {
		last = ordered[len(ordered)-1].ID
	}
	writeJSON(w, page[item]{Data: ordered, More: more, Last: last})
}

func TestAuditFindsWhatAServerLost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		breaks                      func(*archive)
		lost, different, duplicated int
	}{
		"nothing": {breaks: func(*archive) {}},
		"an item of the middle": {
			breaks: func(a *archive) { a.items = append(a.items[:1:1], a.items[2:]...) },
			lost:   1, different: 1, // in the conversation, and in the response
		},
		"an input":    {breaks: func(a *archive) { a.items = a.items[1:] }, lost: 2},
		"everything":  {breaks: func(a *archive) { a.items, a.statuses, a.listed = nil, nil, nil }, lost: 4 + 2 + 1},
		"a response":  {breaks: func(a *archive) { delete(a.statuses, firstTurn) }, lost: 1},
		"the listing": {breaks: func(a *archive) { a.listed = nil }, lost: 1},
		"a status":    {breaks: func(a *archive) { a.statuses[secondTurn] = "completed" }, different: 1},
		"a text":      {breaks: func(a *archive) { a.items[3].Content[0].Text += "x" }, different: 2},
		"a turn done twice": {breaks: func(a *archive) {
			a.items = append(a.items, text("x", "user", "q2"), text("y", "assistant", a.items[3].Content[0].Text))
		}, duplicated: 2},
		"another's":           {breaks: func(a *archive) { a.listed = append(a.listed, "conv_2") }, duplicated: 1},
		"the same, twice":     {breaks: func(a *archive) { a.listed = append(a.listed, "conv_1") }, duplicated: 1},
		"the order of a turn": {breaks: func(a *archive) { a.items[0], a.items[1] = a.items[1], a.items[0] }, lost: 1, duplicated: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept, c := newArchive()
			test.breaks(kept)
			house := httptest.NewServer(kept)
			defer house.Close()
			client := newClient(strings.TrimPrefix(house.URL, "http://"), "key", 1)
			defer client.close()
			a := &auditor{client: client}
			if err := a.reread(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if err := a.list(t.Context(), []*conversation{c}); err != nil {
				t.Fatal(err)
			}
			f := a.findings
			if f.Lost != test.lost || f.Different != test.different || f.Duplicated != test.duplicated {
				t.Errorf("lost %d, different %d, duplicated %d; want %d, %d, %d\n%s", f.Lost, f.Different, f.Duplicated,
					test.lost, test.different, test.duplicated, strings.Join(f.Notes, "\n"))
			}
		})
	}
}

func TestListingIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	kept := &archive{}
	for i := range 2*smallPage + 1 {
		kept.items = append(kept.items, text(fmt.Sprintf("i%d", i), "user", strconv.Itoa(i)))
	}
	house := httptest.NewServer(kept)
	defer house.Close()
	client := newClient(strings.TrimPrefix(house.URL, "http://"), "key", 1)
	defer client.close()
	for order, first := range map[string]string{"asc": "i0", "desc": kept.items[2*smallPage].ID} {
		got, err := all[item](t.Context(), client, "/v1/conversations/c/items", order, smallPage)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(kept.items) || got[0].ID != first {
			t.Errorf("%s: %d items, the first %s", order, len(got), got[0].ID)
		}
	}
}

func TestListingThatGoesInCirclesIsAFault(t *testing.T) {
	t.Parallel()
	house := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, page[item]{Data: []item{{ID: "x"}}, More: true, Last: "x"})
	}))
	defer house.Close()
	client := newClient(strings.TrimPrefix(house.URL, "http://"), "key", 1)
	defer client.close()
	if _, err := all[item](t.Context(), client, "/x", "asc", 1); err == nil {
		t.Error("it was read to its end")
	}
}

func TestRepetitionHasToBeAnsweredAlike(t *testing.T) {
	t.Parallel()
	first := turn{End: endWhole, Response: "r1", Text: "a"}
	for name, test := range map[string]struct {
		again                       turn
		lost, different, duplicated int
	}{
		"alike":           {again: turn{End: endWhole, Response: "r1", Text: "a"}},
		"not any more":    {again: turn{Problem: "p"}, lost: 1},
		"with other text": {again: turn{End: endWhole, Response: "r1", Text: "b"}, different: 1},
		"with less":       {again: turn{End: endCut, Response: "r1", Text: "a"}, different: 1},
		"done once more":  {again: turn{End: endWhole, Response: "r2", Text: "a"}, duplicated: 1},
	} {
		var f findings
		f.repetition("k", &first, &test.again)
		if f.Lost != test.lost || f.Different != test.different || f.Duplicated != test.duplicated {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
