package sqlite_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
	"example.com/parley/persistence/sqlite"
)

// writerPath makes the test binary a process that keeps turns until it is
// killed.
const writerPath = "SQLITE_TEST_WRITER"

// writers is how many conversations grow at once.
const writers = 4

func writtenRef(writer int) messages.ConversationRef {
	return messages.ConversationRef{Tenant: "acme", Conversation: messages.ConversationID(fmt.Sprintf("conv_%d", writer))}
}

// A process that is killed at any moment loses nothing that it acknowledged:
// each turn is there once, in its place, with at least the prefix that was told.
func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	const kills = 3
	seed := mathrand.Uint64()
	t.Logf("seed %d", seed)
	random := mathrand.New(mathrand.NewPCG(seed, 0)) // #nosec G404 -- moments to kill at
	path := filepath.Join(t.TempDir(), "parley.db")
	told := make(map[messages.TurnID]int) // answers that were acknowledged
	for range kills {
		for _, line := range runAndKill(t, path, time.Duration(50+random.IntN(500))*time.Millisecond) {
			var name string
			var words int
			if _, err := fmt.Sscan(line, &name, &words); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			id, _ := messages.ParseTurnID(name)
			told[id] = max(told[id], words)
		}
		verify(t, path, told)
	}
	if len(told) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	t.Logf("%d turns were acknowledged", len(told))
}

// verify opens the database as the next process does.
func verify(t *testing.T, path string, told map[messages.TurnID]int) {
	t.Helper()
	store := open(t, path)
	defer store.Close()
	if _, err := store.RecoverTurns(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := make(map[messages.TurnID]bool)
	for writer := range writers {
		verifyConversation(t, store, writtenRef(writer), told, seen)
	}
	for id := range told {
		if !seen[id] {
			t.Errorf("turn %s was acknowledged and is gone", id)
		}
	}
}

func verifyConversation(t *testing.T, store *sqlite.Store, ref messages.ConversationRef, told map[messages.TurnID]int, seen map[messages.TurnID]bool) {
	t.Helper()
	page, next := messages.Page{Limit: 100, Asc: true}, messages.Seq(1)
	for {
		items, more, err := store.Items(t.Context(), ref, page)
		if messages.CodeOf(err) == messages.CodeConversationAbsent {
			return // killed before the first turn
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range items {
			if items[i].Seq != next {
				t.Fatalf("place %d follows %d", items[i].Seq, next-1)
			}
			next++
			if !items[i].Output {
				verifyTurn(t, store, items[i].Turn, told[items[i].Turn])
				seen[items[i].Turn] = true
			}
		}
		if !more {
			return
		}
		page.After = string(items[len(items)-1].ID)
	}
}

func verifyTurn(t *testing.T, store *sqlite.Store, id messages.TurnID, words int) {
	t.Helper()
	record, err := store.Turn(t.Context(), "acme", id)
	if err != nil {
		t.Fatal(err)
	}
	items, err := store.TurnItems(t.Context(), "acme", id)
	if err != nil || len(items) != record.Inputs+record.Outputs {
		t.Fatalf("turn %s has %d items, its record says %d and %d: %v", id, len(items), record.Inputs, record.Outputs, err)
	}
	if stored := strings.Count(items[len(items)-1].Text(), "word"); stored < words {
		t.Errorf("turn %s has %d words, %d were acknowledged", id, stored, words)
	}
	ended := record.Status == messages.TurnComplete
	if !ended && (record.Status != messages.TurnPartial || record.Reason != messages.ReasonServerRestart) {
		t.Errorf("turn %s is %s, %s", id, record.Status, record.Reason)
	}
	if words == answerWords && !ended {
		t.Errorf("the end of turn %s was acknowledged, and it is %s", id, record.Status)
	}
	rows, err := store.UsageRows(t.Context(), "acme", id)
	if err != nil || (len(rows) == 1) != ended {
		t.Errorf("turn %s is %s with %d usage rows: %v", id, record.Status, len(rows), err)
	}
}

// runAndKill returns what a process acknowledged before it was killed.
func runAndKill(t *testing.T, path string, after time.Duration) (lines []string) {
	t.Helper()
	writer := exec.CommandContext(t.Context(), os.Args[0]) // #nosec G204 G702 -- this test itself
	writer.Env = append(os.Environ(), writerPath+"="+path)
	writer.Stderr = os.Stderr
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(out)
	var timer *time.Timer
	for scanner.Scan() {
		if timer == nil {
			timer = time.AfterFunc(after, func() { _ = writer.Process.Kill() })
		}
		lines = append(lines, scanner.Text())
	}
	_ = writer.Wait() // killed, as it must be
	if len(lines) > 0 {
		lines = lines[:len(lines)-1] // may be cut
	}
	return lines
}

// answerWords is how long each answer gets: a prefix for each word, but for the
// last, which comes with the end.
const answerWords = 4

// writeForever is the process that is killed. It says which turn has how many
// words once the store has them.
func writeForever(path string) {
	store, err := sqlite.Open(context.Background(), sqlite.Config{Path: path}, prometheus.NewRegistry())
	if err == nil {
		_, err = store.RecoverTurns(context.Background())
	}
	var wait sync.WaitGroup
	for writer := range writers {
		wait.Go(func() {
			if err == nil {
				fmt.Fprintln(os.Stderr, writeTurns(store, writtenRef(writer)))
			}
		})
	}
	wait.Wait()
	fmt.Fprintln(os.Stderr, "the writer ended by itself:", err)
	os.Exit(1)
}

func writeTurns(store *sqlite.Store, ref messages.ConversationRef) error {
	ctx := context.Background()
	if _, err := store.CreateConversation(ctx, messages.Conversation{Ref: ref, Created: time.Now()}, newTurnID(), nil); err != nil {
		return err
	}
	a, err := store.Activate(ctx, messages.Activate{Ref: ref, MaxItems: 1, MaxBytes: 1})
	for first := a.Next; err == nil; first += 2 {
		err = writeTurn(ctx, store, ref, a.Epoch, first)
	}
	return err
}

func writeTurn(ctx context.Context, store *sqlite.Store, ref messages.ConversationRef, epoch messages.Epoch, first messages.Seq) error {
	id := newTurnID()
	question := messages.TextMessage(messages.RoleUser, "question")
	question.ID = messages.NewItemID(messages.ItemMessage, id, 0)
	record := messages.TurnRecord{ID: id, Ref: ref, Status: messages.TurnRunning, FirstSeq: first, Inputs: 1, Created: time.Now()}
	if err := store.BeginTurn(ctx, messages.TurnBegin{Epoch: epoch, Record: record, Input: []messages.Item{question}}); err != nil {
		return err
	}
	fmt.Println(id, 0)
	for words := 1; words < answerWords; words++ {
		prefix := messages.TurnPrefix{Ref: ref, Epoch: epoch, Turn: id, First: first + 1, Items: answer(id, words, messages.ItemIncomplete)}
		if err := store.SavePrefix(ctx, prefix); err != nil {
			return err
		}
		fmt.Println(id, words)
	}
	record.Status, record.Outputs, record.Ended = messages.TurnComplete, 1, time.Now()
	err := store.EndTurn(ctx, messages.TurnEnd{
		Epoch: epoch, Record: record, First: first + 1, Items: answer(id, answerWords, messages.ItemComplete),
		Usage: []messages.UsageRow{{Tenant: ref.Tenant, Request: id, Attempt: 1}},
	})
	if err == nil {
		fmt.Println(id, answerWords)
	}
	return err
}

func answer(id messages.TurnID, words int, status messages.ItemStatus) []messages.Item {
	item := messages.TextMessage(messages.RoleAssistant, strings.Repeat("word ", words))
	item.ID, item.Status = messages.NewItemID(messages.ItemMessage, id, 1), status
	return []messages.Item{item}
}

func newTurnID() (id messages.TurnID) {
	_, _ = rand.Read(id[:])
	return id
}
