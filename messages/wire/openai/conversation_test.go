package openai_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

func TestDecodeConversationCreate(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]openai.ConversationCreate{
		"":                             {},
		" ":                            {},
		"{}":                           {},
		`{"metadata":null,"items":[]}`: {},
		`{"metadata":{"k":"v"},"items":[{"role":"user","content":"hi"}],"x":1}`: {Metadata: map[string]string{"k": "v"}, Items: []messages.Item{user("hi")}},
	} {
		got, err := openai.DecodeConversationCreate([]byte(body))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

func TestConversationRequestsNameTheFieldAtFault(t *testing.T) {
	t.Parallel()
	create := func(body string) error { _, err := openai.DecodeConversationCreate([]byte(body)); return err }
	update := func(body string) error { _, err := openai.DecodeConversationUpdate([]byte(body)); return err }
	add := func(body string) error { _, err := openai.DecodeItemsAdd([]byte(body)); return err }
	item := `{"role":"user","content":"hi"}`
	for name, tt := range map[string]struct {
		err   error
		code  messages.Code
		param string
	}{
		"create: metadata of numbers": {create(`{"metadata":{"k":1}}`), messages.CodeInvalidRequest, "metadata"},
		"create: 21 items":            {create(`{"items":[` + repeated(item, 21) + `]}`), messages.CodeInvalidRequest, "items[20]"},
		"create: a broken item":       {create(`{"items":[` + item + `,{"role":"user"}]}`), messages.CodeInvalidRequest, "items[1].content"},
		"create: no object":           {create(`[]`), messages.CodeInvalidRequest, ""},
		"create: no JSON":             {create(`{`), messages.CodeInvalidJSON, ""},
		"create: something behind":    {create(`{}{}`), messages.CodeInvalidJSON, ""},
		"update: nothing":             {update(`{}`), messages.CodeInvalidRequest, "metadata"},
		"update: null":                {update(`{"metadata":null}`), messages.CodeInvalidRequest, "metadata"},
		"update: no body":             {update(``), messages.CodeInvalidJSON, ""},
		"add: nothing":                {add(`{}`), messages.CodeInvalidRequest, "items"},
		"add: no items":               {add(`{"items":[]}`), messages.CodeInvalidRequest, "items"},
		"add: 21 items":               {add(`{"items":[` + repeated(item, 21) + `]}`), messages.CodeInvalidRequest, "items[20]"},
		"add: a reference":            {add(`{"items":[{"type":"item_reference","id":"x"}]}`), messages.CodeUnsupported, "items[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkRefusal(t, tt.err, tt.code, tt.param)
		})
	}
}

func TestDecodeConversationUpdateAndItems(t *testing.T) {
	t.Parallel()
	metadata, err := openai.DecodeConversationUpdate([]byte(`{"metadata":{}}`))
	if err != nil || metadata == nil || len(metadata) != 0 {
		t.Errorf("metadata that is taken away: %v, %v", metadata, err)
	}
	items, err := openai.DecodeItemsAdd([]byte(`{"items":[` + repeated(`{"role":"user","content":"hi"}`, 20) + `]}`))
	if err != nil || len(items) != 20 {
		t.Errorf("%d items, %v", len(items), err)
	}
}

func conversation(id messages.ConversationID) messages.Conversation {
	return messages.Conversation{Ref: messages.ConversationRef{Tenant: "acme", Conversation: id}, Created: time.Unix(7, 0)}
}

func TestAppendConversation(t *testing.T) {
	t.Parallel()
	c := conversation("conv_1")
	sameJSON(t, `{"id":"conv_1","object":"conversation","created_at":7,"metadata":{}}`, string(openai.AppendConversation(nil, &c)))
	c.Metadata = map[string]string{"b": `"`, "a": "é"}
	if got := string(openai.AppendConversation(nil, &c)); !strings.Contains(got, `"metadata":{"a":"é","b":"\""}`) {
		t.Errorf("metadata in order: %s", got)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	first, second := user("a"), call("c", "f", "{}")
	first.ID, second.ID = "msg_1", "fc_2"
	cards := []messages.ModelCard{{Name: "gpt-4o", OwnedBy: "openai", Created: time.Unix(5, 0)}, {Name: "fast", OwnedBy: "parley"}}
	for name, tt := range map[string]struct{ got, want string }{
		"no items": {string(openai.AppendItems(nil, nil, false)), `{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}`},
		"items": {
			string(openai.AppendItems(nil, []messages.StoredItem{{Item: first, Seq: 1}, {Item: second, Seq: 2}}, true)),
			`{"object":"list","data":[{"id":"msg_1","type":"message","status":"completed","role":"user","content":[{"type":"input_text","text":"a"}]},
			 {"id":"fc_2","type":"function_call","status":"completed","arguments":"{}","call_id":"c","name":"f"}],"first_id":"msg_1","last_id":"fc_2","has_more":true}`,
		},
		"conversations": {
			string(openai.AppendConversations(nil, []messages.Conversation{conversation("conv_2"), conversation("conv_1")}, false)),
			`{"object":"list","data":[{"id":"conv_2","object":"conversation","created_at":7,"metadata":{}},{"id":"conv_1","object":"conversation","created_at":7,"metadata":{}}],"first_id":"conv_2","last_id":"conv_1","has_more":false}`,
		},
		"models": {
			string(openai.AppendModels(nil, cards)),
			`{"object":"list","data":[{"id":"gpt-4o","object":"model","created":5,"owned_by":"openai"},{"id":"fast","object":"model","created":0,"owned_by":"parley"}],"first_id":"gpt-4o","last_id":"fast","has_more":false}`,
		},
		"a model": {string(openai.AppendModel(nil, &cards[0])), `{"id":"gpt-4o","object":"model","created":5,"owned_by":"openai"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sameJSON(t, tt.want, tt.got)
		})
	}
}
