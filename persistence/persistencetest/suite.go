package persistencetest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/parley/messages"
)

// Run holds a store to its promises. start returns an Opener of a database that
// nobody else uses; it is called once for each test.
func Run(t *testing.T, start func(t *testing.T) Opener) {
	t.Helper()
	for name, test := range map[string]func(*bench){
		"a turn is kept, and read back":                          testTurn,
		"a turn makes its conversation":                          testCreate,
		"an older epoch changes nothing":                         testFence,
		"two activations at once have one winner":                testFenceRace,
		"places are dense whatever happens":                      testDense,
		"what begins while another wakes is interrupted":         testBeginRace,
		"a prefix grows, and outlives the process":               testPrefix,
		"a turn that was cut goes on under its next owner":       testResume,
		"a turn that nobody waits for is left to the next owner": testUnfinished,
		"output stays where it belongs":                          testMisplaced,
		"what is repeated counts once":                           testRepeated,
		"a failed turn withdraws its input":                      testFailedTurn,
		"a running turn of a dead process is partial":            testRecovery,
		"items are added, erased and listed by page":             testItems,
		"a fork begins with its parent's items":                  testForks,
		"a dropped conversation is gone, its forks are not":      testDrop,
		"a fork and the end of its parent have an order":         testForkRace,
		"an erased response is gone, with its content":           testEraseTurn,
		"conversations are listed newest first":                  testConversations,
		"history is the newest that fits":                        testHistory,
		"nothing is found under another tenant's name":           testIsolation,
		"an idempotency key is won once":                         testIdempotency,
		"an idempotency key of a dead process can be taken up":   testResumedKey,
		"a claim whose answer was lost is taken back":            testUndoneClaim,
		"an idempotency key is one turn's, whoever takes it up":  testMovedKey,
		"an idempotency key is freed and taken at once":          testKeyRace,
		"pairs that were wrong are remembered":                   testDenials,
		"budgets are spent by rows, each once":                   testBudgetSpending,
		"a budget is changed in its place":                       testBudgetChanges,
		"leases and spending never pass a budget":                testBudgetLeases,
		"a budget that is short is known to be":                  testBudgetShort,
		"a threshold is reached once, and told of":               testBudgetAlerts,
		"nodes share a budget":                                   testBudgetRace,
		"tenants and keys":                                       testTenants,
		"a key is changed, rotated and used":                     testKeyLife,
		"a tenant is disabled and deleted":                       testTenantLife,
		"what is changed is written down":                        testAudit,
		"prices hold from a moment on":                           testPrices,
		"limits are set, changed and cleared":                    testLimits,
		"a user's content is erased, and nobody else's":          testEraseUser,
		"a tenant's content is erased, and no rows":              testEraseTenant,
		"what is too old goes":                                   testRetention,
		"usage adds up":                                          testUsage,
		"a usage row is kept whole":                              testUsageRow,
		"reports are sums of rows to the nano-dollar":            testUsageSums,
		"what was sent comes back as it was":                     testFidelity,
		"a model of the rules agrees":                            testModel,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := start(t)
			b := &bench{T: t, open: open, store: open()}
			t.Cleanup(func() { b.store.Close() })
			test(b)
		})
	}
}

// bench is one test's store with shorthands.
type bench struct {
	*testing.T
	open   Opener
	store  Store
	serial atomic.Uint64
}

const tenant = messages.TenantID("acme")

func (b *bench) ctx() context.Context { return b.Context() }

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) refused(err error, code messages.Code) {
	b.Helper()
	if messages.CodeOf(err) != code {
		b.Fatalf("got %v, want %s", err, code)
	}
}

func (b *bench) same(want, got any) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		b.Fatalf("(-want +got):\n%s", diff)
	}
}

// reopen is a restart.
func (b *bench) reopen() {
	b.store.Close()
	b.store = b.open()
}

// asked is when every request of the suite came.
var asked = time.UnixMilli(1_700_000_000_000)

// id returns a new request's id; later ones sort behind.
func (b *bench) id() (id messages.TurnID) {
	id = messages.FirstTurnID(asked)
	binary.BigEndian.PutUint64(id[8:], b.serial.Add(1))
	return id
}

// conversation makes one with the given texts in it.
func (b *bench) conversation(texts ...string) messages.ConversationRef {
	b.Helper()
	id := b.id()
	ref := messages.ConversationRef{Tenant: tenant, Conversation: messages.NewConversationID(id)}
	_, err := b.store.CreateConversation(b.ctx(), messages.Conversation{Ref: ref, Created: time.Now()}, id, said(messages.RoleUser, texts...))
	b.must(err)
	return ref
}

// forkOf names a fork of a conversation.
func (b *bench) forkOf(parent messages.ConversationRef) messages.ConversationRef {
	return messages.ConversationRef{Tenant: parent.Tenant, Conversation: messages.NewForkID(b.id(), parent)}
}

func said(role messages.Role, texts ...string) []messages.Item {
	items := make([]messages.Item, len(texts))
	for i, text := range texts {
		items[i] = messages.TextMessage(role, text)
	}
	return items
}

func (b *bench) activate(ref messages.ConversationRef) messages.Activation {
	b.Helper()
	a, err := b.store.Activate(b.ctx(), messages.Activate{Ref: ref, MaxItems: 1000, MaxBytes: 1 << 20})
	b.must(err)
	return a
}

// begin returns the beginning of a turn of one question.
func (b *bench) begin(ref messages.ConversationRef, epoch messages.Epoch, first messages.Seq, question string) messages.TurnBegin {
	record := messages.TurnRecord{
		ID: b.id(), Ref: ref, Key: "k1", Status: messages.TurnRunning, Model: "model", FirstSeq: first, Inputs: 1, Created: time.Now().Round(time.Microsecond),
	}
	return messages.TurnBegin{Epoch: epoch, Record: record, Input: named(record.ID, 0, said(messages.RoleUser, question))}
}

func named(id messages.TurnID, from int, items []messages.Item) []messages.Item {
	for i := range items {
		items[i].ID = messages.NewItemID(items[i].Kind, id, from+i)
	}
	return items
}

// end returns the end of a turn that was answered with the texts.
func end(begin messages.TurnBegin, answers ...string) messages.TurnEnd {
	record := begin.Record
	record.Status, record.Outputs, record.Finish = messages.TurnComplete, len(answers), messages.FinishStop
	record.Usage = messages.Usage{Input: 3, Output: 2}
	record.Ended = record.Created.Add(time.Second)
	return messages.TurnEnd{
		Epoch: begin.Epoch, Record: record, First: record.FirstSeq + messages.Seq(record.Inputs),
		Items: named(record.ID, record.Inputs, said(messages.RoleAssistant, answers...)),
		Usage: []messages.UsageRow{usageRow(record.ID, 1)},
	}
}

func usageRow(request messages.TurnID, attempt int) messages.UsageRow {
	return messages.UsageRow{
		Tenant: tenant, Key: "k1", Request: request, Attempt: attempt, Endpoint: "/v1/responses", Model: "model",
		Served: messages.Served{Provider: "p", Model: "m", Attempts: attempt}, Status: messages.AttemptSettled,
		Usage: messages.Usage{Input: 3, Output: 2}, Cost: 7, Priced: true, Created: asked,
	}
}

// turn carries one out, and returns its record.
func (b *bench) turn(ref messages.ConversationRef, epoch messages.Epoch, first messages.Seq, question, answer string) messages.TurnRecord {
	b.Helper()
	begin := b.begin(ref, epoch, first, question)
	b.must(b.store.BeginTurn(b.ctx(), begin))
	end := end(begin, answer)
	b.must(b.store.EndTurn(b.ctx(), end))
	return end.Record
}

// text is what a conversation says, oldest first, with places.
func (b *bench) text(ref messages.ConversationRef) string {
	b.Helper()
	var all []messages.StoredItem
	for page := (messages.Page{Limit: 100, Asc: true}); ; {
		items, more, err := b.store.Items(b.ctx(), ref, page)
		b.must(err)
		if all = append(all, items...); !more {
			return line(all)
		}
		page.After = string(items[len(items)-1].ID)
	}
}

func line(items []messages.StoredItem) string {
	texts := make([]string, len(items))
	for i := range items {
		texts[i] = fmt.Sprintf("%d:%s", items[i].Seq, items[i].Text())
	}
	return strings.Join(texts, " ")
}

func hash(text string) [32]byte { return sha256.Sum256([]byte(text)) }
