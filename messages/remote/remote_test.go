package remote_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"example.com/parley/messages"
	"example.com/parley/messages/remote"
)

// now is when everything in these tests arrives and leaves.
var now = time.UnixMilli(1_790_000_000_000)

// alike is what survives: an empty list is as good as none, and a failure's
// cause stays at home.
var alike = cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(messages.Failure{}, "Cause")}

// travel sends m through bytes.
func travel[M proto.Message](tb interface {
	Helper()
	Fatal(args ...any)
}, m, into M,
) M {
	tb.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	if err := proto.Unmarshal(data, into); err != nil {
		tb.Fatal(err)
	}
	return into
}

// fill sets everything exported below v to something that is not its zero value.
func fill(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch special := v.Addr().Interface().(type) {
	case *error:
		f := &messages.Failure{}
		fill(t, path, reflect.ValueOf(f).Elem())
		*special = f
		return
	case *time.Time:
		*special = now.Add(90 * time.Second)
		return
	case *time.Duration:
		*special = 1500 * time.Millisecond
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if field.IsExported() && field.Name != "Cause" {
				fill(t, path+"."+field.Name, v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, path, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, path+"[0]", v.Index(0))
	case reflect.Array:
		for i := range v.Len() {
			fill(t, path, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, path, key)
		fill(t, path, value)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(path)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(1)
	case reflect.Float64:
		v.SetFloat(0.25)
	default:
		t.Fatalf("%s is a %s: teach this test to fill it, and package remote to carry it", path, v.Kind())
	}
}

func filled[T any](t *testing.T) T {
	t.Helper()
	var v T
	fill(t, reflect.TypeFor[T]().Name(), reflect.ValueOf(&v).Elem())
	return v
}

// A field that is new in package messages and has no mirror fails here.
func TestEveryFieldTravels(t *testing.T) {
	t.Parallel()
	t.Run("TurnSpec", func(t *testing.T) {
		t.Parallel()
		want := filled[messages.TurnSpec](t)
		want.Address = ""            // stays where the limits are
		want.Handover.Stored = false // whoever takes a shard over finds for itself what is left there
		got, err := remote.FromTurnSpec(travel(t, remote.ToTurnSpec(&want, now), &remote.TurnSpec{}), now)
		check(t, want, got, err)
	})
	t.Run("Chunk", func(t *testing.T) {
		t.Parallel()
		want := filled[messages.Chunk](t)
		got, err := remote.FromChunk(travel(t, remote.ToChunk(&want), &remote.Chunk{}))
		check(t, want, got, err)
	})
	t.Run("TurnStarted", func(t *testing.T) {
		t.Parallel()
		want := filled[messages.TurnStarted](t)
		got := remote.FromTurnStarted(travel(t, remote.ToTurnStarted(want), &remote.TurnStarted{}))
		check(t, want, got, nil)
	})
}

// A request gets its reply channels where it arrives.
var asked = cmp.Options{
	alike, cmpopts.IgnoreUnexported(messages.FollowTurn{}),
	cmp.Transformer("channel", func(chan messages.Edited) bool { return true }),
	cmp.Transformer("channel", func(chan messages.Following) bool { return true }),
	cmp.Transformer("channel", func(chan messages.Cancelled) bool { return true }),
}

func TestEveryFieldOfARequestTravels(t *testing.T) {
	t.Parallel()
	ref := messages.ConversationRef{Tenant: "acme", Conversation: "conv_1"}
	turn := messages.TurnID{1, 2, 3}
	for _, want := range []messages.Addressed{
		messages.NewFollowTurn(ref, turn), messages.NewCancelTurn(ref, turn),
		&messages.AddItems{Ref: ref, Request: turn, Items: filled[[]messages.Item](t), Reply: make(chan messages.Edited, 1)},
		&messages.EraseItem{Ref: ref, Item: "msg_1", Reply: make(chan messages.Edited, 1)},
		&messages.EraseTurn{Ref: ref, Turn: turn, Reply: make(chan messages.Edited, 1)},
		&messages.DropConversation{Ref: ref, Reply: make(chan messages.Edited, 1)},
	} {
		ask, err := remote.ToAsk(7, want, now)
		if err != nil {
			t.Fatal(err)
		}
		got, err := remote.FromAsk(travel(t, ask, &remote.Ask{}), now)
		if err != nil {
			t.Fatalf("%T: %v", want, err)
		}
		if diff := cmp.Diff(want, got, asked); diff != "" {
			t.Errorf("after the journey (-want +got):\n%s", diff)
		}
	}
}

func TestTurnArrivesWithItsChannels(t *testing.T) {
	t.Parallel()
	spec := filled[messages.TurnSpec](t)
	spec.Address, spec.Handover.Stored = "", false
	for _, spec.Background = range []bool{false, true} {
		ask, err := remote.ToAsk(7, messages.NewStartTurn(t.Context(), spec), now)
		if err != nil {
			t.Fatal(err)
		}
		got, err := remote.FromAsk(travel(t, ask, &remote.Ask{}), now)
		if err != nil {
			t.Fatal(err)
		}
		turn := got.(*messages.StartTurn)
		check(t, spec, *turn.Spec, nil)
		if turn.Reply == nil || (turn.Chunks == nil) != spec.Background {
			t.Errorf("background %t: it has no channels to answer by", spec.Background)
		}
	}
}

func TestEveryFieldOfAnAnswerTravels(t *testing.T) {
	t.Parallel()
	edited := filled[messages.Edited](t)
	got, err := remote.FromEdited(travel(t, remote.ToEdited(edited), &remote.Edited{}))
	check(t, edited, got, err)
	cancelled := filled[messages.Cancelled](t)
	check(t, cancelled, remote.FromCancelled(travel(t, remote.ToCancelled(cancelled), &remote.Cancelled{})), nil)
}

func TestRequestThatAsksNothingKnownIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := remote.FromAsk(&remote.Ask{Call: 1}, now); err == nil {
		t.Error("it was read")
	}
	if _, err := remote.FromAsk(&remote.Ask{Request: &remote.Ask_Cancel{Cancel: &remote.AboutTurn{Turn: []byte("short")}}}, now); err == nil {
		t.Error("a turn's id of five bytes was read")
	}
}

func check[T any](t *testing.T, want, got T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, alike); diff != "" {
		t.Errorf("after the journey (-want +got):\n%s", diff)
	}
}

// generators makes any value that our own nodes could send.
func generators() rapid.MakeConfig {
	failure := rapid.Custom(func(t *rapid.T) messages.Failure {
		return messages.Failure{
			Code: messages.Code(rapid.String().Draw(t, "code")), What: rapid.String().Draw(t, "what"), Do: rapid.String().Draw(t, "do"),
			Param: rapid.String().Draw(t, "param"), NoRetry: rapid.Bool().Draw(t, "no retry"), Status: rapid.Int().Draw(t, "status"),
			RetryAfter: time.Duration(rapid.IntRange(0, 120_000).Draw(t, "retry after")) * time.Millisecond,
		}
	})
	failed := rapid.Custom(func(t *rapid.T) error {
		if rapid.Bool().Draw(t, "fails") {
			f := failure.Draw(t, "failure")
			return &f
		}
		return nil
	})
	small := rapid.IntRange(0, math.MaxInt32)
	deadline := rapid.Custom(func(t *rapid.T) time.Time {
		return now.Add(time.Duration(rapid.IntRange(-1000, 86_000_000).Draw(t, "remaining")) * time.Millisecond)
	})
	return rapid.MakeConfig{
		Types: map[reflect.Type]*rapid.Generator[any]{
			reflect.TypeFor[messages.Failure](): failure.AsAny(),
			reflect.TypeFor[time.Time]():        deadline.AsAny(),
			reflect.TypeFor[messages.Priority](): rapid.Custom(func(t *rapid.T) messages.Priority {
				return messages.Priority(rapid.IntRange(0, messages.Priorities-1).Draw(t, "priority"))
			}).AsAny(),
			reflect.TypeFor[messages.Strategy](): rapid.Custom(func(t *rapid.T) messages.Strategy {
				return messages.Strategy(rapid.IntRange(0, messages.Strategies-1).Draw(t, "strategy"))
			}).AsAny(),
			reflect.TypeFor[messages.ChunkKind](): rapid.Custom(func(t *rapid.T) messages.ChunkKind {
				return messages.ChunkKind(rapid.IntRange(0, int(messages.ChunkEnd)).Draw(t, "kind"))
			}).AsAny(),
		},
		Fields: map[reflect.Type]map[string]*rapid.Generator[any]{
			reflect.TypeFor[messages.Chunk]():       {"Choice": small.AsAny(), "Index": small.AsAny()},
			reflect.TypeFor[messages.TurnOutcome](): {"Err": failed.AsAny()},
		},
	}
}

func TestAnyTurnSpecTravels(t *testing.T) {
	t.Parallel()
	specs := rapid.MakeCustom[messages.TurnSpec](generators())
	rapid.Check(t, func(t *rapid.T) {
		want := specs.Draw(t, "spec")
		want.Address = "" // stays where the limits are
		if want.Handover != nil {
			want.Handover.Stored = false
			for i := range want.Handover.Shown {
				complete(&want.Handover.Shown[i])
			}
		}
		got, err := remote.FromTurnSpec(travel(t, remote.ToTurnSpec(&want, now), &remote.TurnSpec{}), now)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, alike); diff != "" {
			t.Fatalf("after the journey (-want +got):\n%s", diff)
		}
	})
}

// complete gives a chunk what its kind promises.
func complete(c *messages.Chunk) {
	switch {
	case c.Kind == messages.ChunkOpened && c.Served == nil:
		c.Served = &messages.Served{}
	case c.Kind == messages.ChunkUsage && c.Usage == nil:
		c.Usage = &messages.Usage{}
	case c.Kind == messages.ChunkEnd && c.End == nil:
		c.End = &messages.TurnOutcome{}
	}
}

func TestAnyChunkTravels(t *testing.T) {
	t.Parallel()
	chunks := rapid.MakeCustom[messages.Chunk](generators())
	rapid.Check(t, func(t *rapid.T) {
		want := chunks.Draw(t, "chunk")
		complete(&want)
		got, err := remote.FromChunk(travel(t, remote.ToChunk(&want), &remote.Chunk{}))
		if err != nil {
			t.Fatal(err)
		}
		want.Detail, got.Detail = want.Details(), got.Details() // an empty one is as good as none, and read as it
		if diff := cmp.Diff(want, got, alike); diff != "" {
			t.Fatalf("after the journey (-want +got):\n%s", diff)
		}
	})
}

func TestNumbersOfKindsFollowTheVocabulary(t *testing.T) {
	t.Parallel()
	for kind, want := range map[messages.ChunkKind]remote.ChunkKind{
		messages.ChunkOpened: remote.ChunkKind_CHUNK_KIND_OPENED, messages.ChunkText: remote.ChunkKind_CHUNK_KIND_TEXT,
		messages.ChunkRefusal: remote.ChunkKind_CHUNK_KIND_REFUSAL, messages.ChunkReasoning: remote.ChunkKind_CHUNK_KIND_REASONING,
		messages.ChunkToolCall: remote.ChunkKind_CHUNK_KIND_TOOL_CALL, messages.ChunkFinish: remote.ChunkKind_CHUNK_KIND_FINISH,
		messages.ChunkUsage: remote.ChunkKind_CHUNK_KIND_USAGE, messages.ChunkEnd: remote.ChunkKind_CHUNK_KIND_END,
	} {
		if got := remote.ToChunk(&messages.Chunk{Kind: kind}).GetKind(); got != want {
			t.Errorf("kind %d travels as %s, not %s", kind, got, want)
		}
	}
	for _, p := range []messages.Priority{messages.PriorityInteractive, messages.PriorityStandard, messages.PriorityBatch} {
		got := remote.ToTurnSpec(&messages.TurnSpec{Priority: p}, now).GetPriority().String()
		if want := map[string]string{"interactive": "PRIORITY_INTERACTIVE", "standard": "PRIORITY_STANDARD", "batch": "PRIORITY_BATCH"}[p.String()]; got != want {
			t.Errorf("priority %s travels as %s", p, got)
		}
	}
	for by := messages.StrategyWeighted; int(by) < messages.Strategies; by++ {
		got := remote.ToTurnSpec(&messages.TurnSpec{Override: messages.RouteOverride{Strategy: by}}, now).GetOverride().GetStrategy().String()
		if want := "STRATEGY_" + strings.ToUpper(strings.ReplaceAll(by.String(), "-", "_")); got != want {
			t.Errorf("strategy %s travels as %s", by, got)
		}
	}
	if len(remote.ChunkKind_name) != int(messages.ChunkEnd)+2 || len(remote.Priority_name) != messages.Priorities+1 || len(remote.Strategy_name) != messages.Strategies {
		t.Error("a kind, a priority or a strategy has no mirror")
	}
}

func TestDeadlineIsTheTimeThatRemains(t *testing.T) {
	t.Parallel()
	spec := messages.TurnSpec{Deadline: now.Add(30 * time.Second)}
	mirror := remote.ToTurnSpec(&spec, now.Add(time.Second))
	there := now.Add(-time.Hour) // its clock is an hour behind
	got, err := remote.FromTurnSpec(mirror, there)
	if err != nil {
		t.Fatal(err)
	}
	if remaining := got.Deadline.Sub(there); remaining != 29*time.Second {
		t.Errorf("%s remain, not 29s", remaining)
	}
	spec.Deadline = time.Time{}
	if got, err = remote.FromTurnSpec(remote.ToTurnSpec(&spec, now), now); err != nil || !got.Deadline.IsZero() {
		t.Errorf("no deadline became %s, %v", got.Deadline, err)
	}
}

func TestFailureTravelsWithoutItsCause(t *testing.T) {
	t.Parallel()
	secret := errors.New("dial 10.0.0.7: refused")
	for name, tt := range map[string]struct {
		err  error
		want error
	}{
		"nothing":            {nil, nil},
		"a failure":          {&messages.Failure{Code: messages.CodeOverloaded, What: "w", Cause: secret}, &messages.Failure{Code: messages.CodeOverloaded, What: "w"}},
		"a wait, rounded up": {&messages.Failure{RetryAfter: 1500 * time.Microsecond}, &messages.Failure{RetryAfter: 2 * time.Millisecond}},
		"what nobody may see": {secret, &messages.Failure{
			Code: messages.CodeInternal, What: messages.AsFailure(secret).What, Do: messages.AsFailure(secret).Do,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := remote.FromFailure(remote.ToFailure(tt.err))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("failure (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMirrorsThatNoNodeSendsAreRefused(t *testing.T) {
	t.Parallel()
	valid := remote.Priority_PRIORITY_STANDARD
	for name, m := range map[string]*remote.TurnSpec{
		"nothing at all":      nil,
		"no priority":         {},
		"a priority to come":  {Priority: 9},
		"a short id":          {Id: []byte{1}, Priority: valid},
		"a long id before it": {After: make([]byte, 17), Priority: valid},
	} {
		if _, err := remote.FromTurnSpec(m, now); err == nil {
			t.Errorf("turn with %s was read", name)
		}
	}
	for name, m := range map[string]*remote.Chunk{
		"nothing at all": nil,
		"no kind":        {},
		"a kind to come": {Kind: 99},
		"nobody opened":  {Kind: remote.ChunkKind_CHUNK_KIND_OPENED},
		"no usage":       {Kind: remote.ChunkKind_CHUNK_KIND_USAGE},
		"no end":         {Kind: remote.ChunkKind_CHUNK_KIND_END},
	} {
		if _, err := remote.FromChunk(m); err == nil {
			t.Errorf("chunk with %s was read", name)
		}
	}
}

// FuzzTurnSpec reads what anybody may send. What was read must travel on.
func FuzzTurnSpec(f *testing.F) {
	spec := messages.TurnSpec{
		ID: messages.TurnID{1}, Tenant: "acme", Model: "fast", Deadline: now.Add(time.Minute),
		Input: []messages.Item{messages.TextMessage(messages.RoleUser, "hi")},
	}
	seed, err := proto.Marshal(remote.ToTurnSpec(&spec, now))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		var m remote.TurnSpec
		if proto.Unmarshal(data, &m) != nil {
			return
		}
		want, err := remote.FromTurnSpec(&m, now)
		if err != nil {
			return
		}
		got, err := remote.FromTurnSpec(travel(t, remote.ToTurnSpec(&want, now), &remote.TurnSpec{}), now)
		check(t, want, got, err)
	})
}

// FuzzChunk does the same for a chunk.
func FuzzChunk(f *testing.F) {
	chunk := messages.Chunk{Kind: messages.ChunkEnd, Text: "hi", End: &messages.TurnOutcome{Err: &messages.Failure{Code: messages.CodeCancelled, RetryAfter: time.Second}}}
	seed, err := proto.Marshal(remote.ToChunk(&chunk))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		var m remote.Chunk
		if proto.Unmarshal(data, &m) != nil {
			return
		}
		want, err := remote.FromChunk(&m)
		if err != nil {
			return
		}
		got, err := remote.FromChunk(travel(t, remote.ToChunk(&want), &remote.Chunk{}))
		check(t, want, got, err)
	})
}

func BenchmarkChunkTravels(b *testing.B) {
	chunk := messages.Chunk{Kind: messages.ChunkText, Text: " quite"}
	b.ReportAllocs()
	for b.Loop() {
		data, err := proto.Marshal(remote.ToChunk(&chunk))
		if err != nil {
			b.Fatal(err)
		}
		var m remote.Chunk
		if err := proto.Unmarshal(data, &m); err != nil {
			b.Fatal(err)
		}
		if _, err := remote.FromChunk(&m); err != nil {
			b.Fatal(err)
		}
	}
}
