package sharded_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
	"example.com/parley/persistence/postgres/sharded"
	"example.com/parley/persistence/relational"
)

// rowsLeft counts a shard's conversations in a database.
func rowsLeft(t *testing.T, url string, shard messages.Shard) (left int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // only read
	if _, err := conn.Exec(t.Context(), "SET parley.scope = 'operator'"); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), "SELECT tenant, id FROM conversations")
	if err != nil {
		t.Fatal(err)
	}
	var ref messages.ConversationRef
	if _, err := pgx.ForEachRow(rows, []any{&ref.Tenant, &ref.Conversation}, func() error {
		if messages.ShardOf(ref) == shard {
			left++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return left
}

const mostBlocked = time.Second

// Two servers write to the conversations of two shards while these go to another
// database and back.
func TestShardsMoveWhileTheyAreWrittenTo(t *testing.T) {
	t.Parallel()
	cfg := twoDatabases(t)
	first, second, operator := open(t, cfg), open(t, cfg), open(t, cfg)
	defer first.Close()
	defer second.Close()
	defer operator.Close()
	writing := writeTo(t, []*sharded.Store{first, second}, 4, 7, 800)
	time.Sleep(200 * time.Millisecond)
	for _, to := range []string{"east", postgres.Home, "east"} {
		for _, shard := range []messages.Shard{7, 800} {
			moved, err := operator.MoveShard(t.Context(), shard, to, sharded.MoveOptions{})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("shard %d to %s: %d conversations, %d bytes in %s, writers waited %s", shard, to, moved.Conversations, moved.Bytes, moved.Took, moved.Blocked)
			if moved.Conversations != 4 || moved.Blocked <= 0 || moved.Blocked > mostBlocked {
				t.Errorf("moved as %+v", moved)
			}
		}
		if cleaned, err := operator.CleanShards(t.Context(), sharded.Hurry()); err != nil || cleaned != 2 {
			t.Fatalf("cleaned %d: %v", cleaned, err)
		}
	}
	writes := writing.stop()
	t.Logf("%d writes, the slowest took %s", writes, time.Duration(writing.slowest.Load()))
	writing.check(t, second)
	if left := rowsLeft(t, cfg.URL, 7); left != 0 {
		t.Errorf("home has %d conversations of a shard that has moved", left)
	}
	if there := rowsLeft(t, cfg.Databases["east"].URL, 7); there != 4 {
		t.Errorf("east has %d", there)
	}
}

// moverVariable has the test's own program be a mover that dies: shard, database and
// step, and the databases' URLs.
const moverVariable = "PARLEY_TEST_MOVER"

func TestMain(m *testing.M) {
	if spec := os.Getenv(moverVariable); spec != "" {
		dieMoving(strings.Fields(spec))
	}
	verify(m)
}

// dieMoving moves a shard, and is killed at a step of that.
func dieMoving(spec []string) {
	shard, _ := strconv.Atoi(spec[0])
	cfg := postgres.DefaultConfig()
	cfg.URL, cfg.Connections, cfg.MaxConns = spec[3], 1, 8
	cfg.Databases = map[string]postgres.DatabaseConfig{"east": {URL: spec[4]}}
	s, err := sharded.Open(context.Background(), cfg, "", prometheus.NewRegistry(), quiet())
	if err != nil {
		panic(err)
	}
	options := sharded.MoveOptions{}
	options.After(func(step sharded.MoveStep) {
		if string(step) == spec[2] {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	})
	_, err = s.MoveShard(context.Background(), messages.Shard(shard), spec[1], options) // #nosec G115 -- below 1024
	panic(err)
}

// Whatever step its mover is killed at, a shard is written to meanwhile, and what the
// move had not done is done when it is called for again, or undone.
func TestMoveGoesOnAfterItsMoverWasKilled(t *testing.T) {
	t.Parallel()
	cfg := twoDatabases(t)
	node, operator := open(t, cfg), open(t, cfg)
	defer node.Close()
	defer operator.Close()
	const shard = messages.Shard(7)
	writing := writeTo(t, []*sharded.Store{node}, 4, shard)
	to, from := "east", postgres.Home
	for _, cut := range []struct {
		step   sharded.MoveStep
		revert bool
	}{
		{sharded.MoveBegun, false},
		{sharded.MoveCopied, true},
		{sharded.MoveVerified, false},
		{sharded.MoveClosed, true},
		{sharded.MoveClosed, false},
		{sharded.MoveDrained, false},
		{sharded.MoveLeft, true},
		{sharded.MoveLeft, false},
		{sharded.MoveFlipped, false},
	} {
		kill(t, cfg, shard, to, cut.step)
		writing.awaitWrite(t, cut.step)
		past := cut.step == sharded.MoveLeft || cut.step == sharded.MoveFlipped
		if cut.revert {
			reverted, err := operator.RevertMove(t.Context(), shard)
			if err != nil || reverted == past {
				t.Fatalf("killed once %s: reverted is %v: %v", cut.step, reverted, err)
			}
		} else if _, err := operator.MoveShard(t.Context(), shard, to, sharded.MoveOptions{}); err != nil {
			t.Fatalf("killed once %s: %v", cut.step, err)
		}
		if _, err := operator.CleanShards(t.Context(), sharded.Hurry()); err != nil {
			t.Fatal(err)
		}
		if !cut.revert || past {
			to, from = from, to
		}
	}
	t.Logf("%d writes, the slowest took %s", writing.stop(), time.Duration(writing.slowest.Load()))
	writing.check(t, operator)
}

// awaitWrite has nobody but the writers' own server see to a move that was cut off.
func (l *load) awaitWrite(t *testing.T, step sharded.MoveStep) {
	t.Helper()
	began, before := time.Now(), l.writes.Load()
	for l.writes.Load() == before {
		if time.Since(began) > 4*time.Second {
			t.Fatalf("killed once %s: nothing is written", step)
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("killed once %s: the next write within %s", step, time.Since(began).Round(time.Millisecond))
}

func kill(t *testing.T, cfg postgres.Config, shard messages.Shard, to string, step sharded.MoveStep) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), moverVariable+"="+strings.Join([]string{strconv.Itoa(int(shard)), to, string(step), cfg.URL, cfg.Databases["east"].URL}, " "))
	var said bytes.Buffer
	command.Stderr = &said
	err := command.Run()
	if state := command.ProcessState; state == nil || state.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the mover ended by itself: %v: %s", err, said.String())
	}
}

// A mover that is frozen while it keeps writers out finds them in again when it comes
// back, and does not take the shard from under them.
func TestFrozenMoverForksNothing(t *testing.T) {
	t.Parallel()
	const shard, frozen = messages.Shard(7), time.Second
	cfg := twoDatabases(t)
	node, operator := open(t, cfg), open(t, cfg)
	defer node.Close()
	defer operator.Close()
	writing := writeTo(t, []*sharded.Store{node}, 4, shard)
	for _, freezes := range []sharded.MoveStep{sharded.MoveClosed, sharded.MoveDrained, sharded.MoveLeft} {
		times := 0
		options := sharded.MoveOptions{}
		options.After(func(step sharded.MoveStep) {
			if step != freezes {
				return
			}
			if times++; times > 1 {
				return
			}
			before := writing.writes.Load()
			time.Sleep(frozen + 200*time.Millisecond)
			if writing.writes.Load() == before {
				t.Errorf("nothing was written while the mover was frozen once %s", step)
			}
		})
		to := map[bool]string{true: "east", false: postgres.Home}[operator.DatabaseOf(shard) == postgres.Home]
		if _, err := operator.MoveShard(t.Context(), shard, to, options); err != nil {
			t.Fatal(err)
		}
		if past := freezes == sharded.MoveLeft; past != (times == 1) {
			t.Errorf("frozen once %s, it came there %d times", freezes, times)
		}
		if _, err := operator.CleanShards(t.Context(), sharded.Hurry()); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d writes, the slowest took %s", writing.stop(), time.Duration(writing.slowest.Load()))
	writing.check(t, operator)
}

// Servers that do not know that a shard has moved are refused by the database that it
// has left: one that goes by an old map, and one that knows of no map at all.
func TestServerThatDoesNotKnowOfAMoveIsRefused(t *testing.T) {
	t.Parallel()
	cfg := twoDatabases(t)
	alone := cfg
	alone.Databases = nil
	plain, err := postgres.Open(t.Context(), alone, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	s := open(t, cfg)
	defer s.Close()
	stale, err := postgres.OpenAs(t.Context(), alone, postgres.Role{Database: postgres.Home}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer stale.Close()
	ref := conversationIn(t, s, 7)
	a, err := s.Activate(t.Context(), messages.Activate{Ref: ref, MaxItems: 1, MaxBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.MoveShard(t.Context(), 7, "east", sharded.MoveOptions{}); err != nil {
		t.Fatal(err)
	}
	write := messages.ItemsAppend{Ref: ref, Epoch: a.Epoch, Request: newID(), Items: []messages.Item{messages.TextMessage(messages.RoleUser, "x")}}
	if _, err := stale.AppendItems(t.Context(), write); !relational.IsElsewhere(err) {
		t.Errorf("a write by an old map: %v", err)
	}
	if _, err := stale.Conversation(t.Context(), ref); !relational.IsElsewhere(err) {
		t.Errorf("a read by an old map: %v", err)
	}
	if _, err := plain.AppendItems(t.Context(), write); messages.CodeOf(err) != messages.CodeStoreUnavailable || !strings.Contains(err.Error(), "store.postgres.databases") {
		t.Errorf("a write by nobody's map: %v", err)
	}
	if _, err := postgres.Open(t.Context(), alone, prometheus.NewRegistry()); messages.CodeOf(err) != messages.CodeInvalidRequest {
		t.Errorf("a start with one database: %v", err)
	}
	swapped := cfg
	swapped.URL, swapped.Databases = cfg.Databases["east"].URL, map[string]postgres.DatabaseConfig{"east": {URL: cfg.URL}}
	if _, err := sharded.Open(t.Context(), swapped, "", prometheus.NewRegistry(), quiet()); messages.CodeOf(err) != messages.CodeInvalidRequest {
		t.Errorf("a start with the databases swapped: %v", err)
	}
	if _, err := s.AppendItems(t.Context(), write); err != nil {
		t.Error(err)
	}

	// Once all is back at home one database is enough again.
	clean := func() {
		if _, err := s.CleanShards(t.Context(), sharded.Hurry()); err != nil {
			t.Fatal(err)
		}
	}
	clean()
	if _, err := s.MoveShard(t.Context(), 7, postgres.Home, sharded.MoveOptions{}); err != nil {
		t.Fatal(err)
	}
	clean()
	again, err := postgres.Open(t.Context(), alone, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	write.Request = newID()
	if _, err := again.AppendItems(t.Context(), write); err != nil {
		t.Errorf("with one database again: %v", err)
	}
}

// A cursor is good in the middle of a move, and each conversation is listed once.
func TestListingsMergeInOrderWhileAShardMoves(t *testing.T) {
	t.Parallel()
	cfg := twoDatabases(t)
	spread(t, cfg)
	s := open(t, cfg)
	defer s.Close()
	want := make([]messages.ConversationID, 60)
	for i := range want {
		want[i] = conversationIn(t, s, messages.Shard(i%4)).Conversation
	}
	for _, asc := range []bool{true, false} {
		var got []messages.ConversationID
		for page := (messages.Page{Limit: 7, Asc: asc}); ; {
			found, more, err := s.Conversations(t.Context(), tenant, page)
			if err != nil {
				t.Fatal(err)
			}
			for i := range found {
				got = append(got, found[i].Ref.Conversation)
			}
			if !more {
				break
			}
			page.After = string(got[len(got)-1])
			if len(got) == 21 {
				if _, err := s.MoveShard(t.Context(), 1, map[bool]string{true: postgres.Home, false: "east"}[asc], sharded.MoveOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			if len(got) == 42 && asc {
				if _, err := s.CleanShards(t.Context(), sharded.MoveOptions{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(got) != len(want) {
			t.Fatalf("listed %d of %d", len(got), len(want))
		}
		for i := range got {
			at := i
			if !asc {
				at = len(want) - 1 - i
			}
			if got[i] != want[at] {
				t.Fatalf("asc %v: place %d has %s", asc, i, got[i])
			}
		}
	}
}

// What an earlier version spread over two shards is named, and stays where it is.
func TestForksOfAnEarlierVersionDoNotMove(t *testing.T) {
	t.Parallel()
	cfg := twoDatabases(t)
	s := open(t, cfg)
	defer s.Close()
	parent, fork := conversationIn(t, s, 7), conversationIn(t, s, 8)
	operate(t, cfg.URL, "SET parley.databases = 'on'", "UPDATE conversations SET parent = '"+string(parent.Conversation)+"' WHERE id = '"+string(fork.Conversation)+"'")
	for _, shard := range []messages.Shard{7, 8} {
		_, err := s.MoveShard(t.Context(), shard, "east", sharded.MoveOptions{})
		if messages.CodeOf(err) != messages.CodeInvalidRequest || !strings.Contains(err.Error(), string(fork.Conversation)) {
			t.Errorf("moved shard %d: %v", shard, err)
		}
		if reverted, err := s.RevertMove(t.Context(), shard); err != nil || !reverted {
			t.Errorf("reverted is %v: %v", reverted, err)
		}
	}
	if _, err := s.UpdateConversation(t.Context(), fork, nil); err != nil {
		t.Error(err)
	}
}
