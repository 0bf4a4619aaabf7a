package conversation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"example.com/parley/messages"
)

// journal is a store of one conversation in memory, with the rules of the real
// one: an epoch that fences, and dense places.
type journal struct {
	mu       sync.Mutex
	exists   bool
	epoch    messages.Epoch
	next     messages.Seq
	tip      messages.TurnID
	items    map[messages.Seq]messages.StoredItem
	records  map[messages.TurnID]messages.TurnRecord
	rows     []messages.UsageRow
	prefixes []messages.TurnPrefix
	away     map[string]int // by method: how often it fails before it works
	slow     time.Duration
	activate []messages.Activate
	owners   int // of any turn, before it is resumed
	terms    *messages.TurnTerms
}

func newJournal() *journal {
	return &journal{
		next: 1, items: make(map[messages.Seq]messages.StoredItem), records: make(map[messages.TurnID]messages.TurnRecord),
		away: make(map[string]int),
	}
}

// enter takes the lock, and fails when the store is to be away.
func (j *journal) enter(method string) error {
	j.mu.Lock()
	slow := j.slow
	j.mu.Unlock()
	time.Sleep(slow)
	j.mu.Lock()
	if j.away[method] > 0 {
		j.away[method]--
		return &messages.Failure{Code: messages.CodeStoreUnavailable, What: "away"}
	}
	return nil
}

// slowDown has every exchange from now on take so long.
func (j *journal) slowDown(by time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.slow = by
}

func (j *journal) record(id messages.TurnID) messages.TurnRecord {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.records[id]
}

func (j *journal) fence(epoch messages.Epoch) error {
	if epoch != j.epoch {
		return &messages.Failure{Code: messages.CodeStaleEpoch, What: fmt.Sprintf("epoch %d, want %d", epoch, j.epoch)}
	}
	return nil
}

func (j *journal) put(first messages.Seq, turn messages.TurnID, items []messages.Item) {
	for i := range items {
		seq := first + messages.Seq(i)
		j.items[seq] = messages.StoredItem{Item: items[i], Seq: seq, Turn: turn}
		j.next = max(j.next, seq+1)
	}
}

func (j *journal) all() (items []messages.StoredItem) {
	for seq := messages.Seq(1); seq < j.next; seq++ {
		if item, ok := j.items[seq]; ok && !item.Erased {
			items = append(items, item)
		}
	}
	return items
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	texts := make([]string, 0, len(j.items))
	for _, item := range j.all() {
		texts = append(texts, string(item.Role)+": "+item.Text())
	}
	return strings.Join(texts, " | ")
}

func (j *journal) Activate(_ context.Context, a messages.Activate) (messages.Activation, error) {
	err := j.enter("Activate")
	defer j.mu.Unlock()
	j.activate = append(j.activate, a)
	if err != nil {
		return messages.Activation{}, err
	}
	if !j.exists && a.Fork == "" {
		return messages.Activation{}, &messages.Failure{Code: messages.CodeConversationAbsent, What: "absent"}
	}
	j.exists = true
	j.epoch++
	return messages.Activation{Epoch: j.epoch, Next: j.next, Tip: j.tip, Items: j.all()}, nil
}

func (j *journal) History(context.Context, messages.ReadHistory) ([]messages.StoredItem, error) {
	err := j.enter("History")
	defer j.mu.Unlock()
	return j.all(), err
}

func (j *journal) BeginTurn(_ context.Context, b messages.TurnBegin) error {
	err := j.enter("BeginTurn")
	defer j.mu.Unlock()
	if err != nil {
		return err
	}
	if b.Create {
		j.exists, j.epoch = true, 1
	}
	if err := j.fence(b.Epoch); err != nil {
		return err
	}
	if b.Record.FirstSeq != j.next {
		return errors.New("the input's place is not the next one")
	}
	j.put(b.Record.FirstSeq, b.Record.ID, b.Input)
	j.records[b.Record.ID], j.terms = b.Record, b.Terms
	return nil
}

func (j *journal) SavePrefix(_ context.Context, p messages.TurnPrefix) error {
	err := j.enter("SavePrefix")
	defer j.mu.Unlock()
	if err == nil {
		err = j.fence(p.Epoch)
	}
	if err != nil {
		return err
	}
	j.put(p.First, p.Turn, p.Items)
	j.prefixes = append(j.prefixes, p)
	return nil
}

func (j *journal) EndTurn(_ context.Context, e messages.TurnEnd) error {
	err := j.enter("EndTurn")
	defer j.mu.Unlock()
	if err == nil {
		err = j.fence(e.Epoch)
	}
	if err != nil {
		return err
	}
	j.put(e.First, e.Record.ID, e.Items)
	if e.Record.Status == messages.TurnFailed {
		for seq := e.Record.FirstSeq; seq < e.First; seq++ {
			j.items[seq] = messages.StoredItem{Seq: seq, Erased: true}
		}
	}
	j.records[e.Record.ID] = e.Record
	j.rows = append(j.rows, e.Usage...)
	j.tip = e.Record.ID
	return nil
}

// ResumeTurn has a turn run again that is not known to have ended, or was cut.
func (j *journal) ResumeTurn(_ context.Context, r messages.TurnResume) (resumed messages.TurnResumed, err error) {
	err = j.enter("ResumeTurn")
	defer j.mu.Unlock()
	if err == nil && j.exists {
		err = j.fence(r.Epoch)
	}
	if err != nil {
		return resumed, err
	}
	if !j.exists {
		return resumed, &messages.Failure{Code: messages.CodeConversationAbsent, What: "absent"}
	}
	record, found := j.records[r.Turn]
	if !found {
		return resumed, nil
	}
	behind := record.FirstSeq + messages.Seq(record.Inputs)
	for seq := record.FirstSeq; seq < behind; seq++ {
		resumed.Input = append(resumed.Input, j.items[seq].Item)
	}
	resumed.Owners = j.owners
	for seq := behind; seq < j.next; seq++ {
		if j.items[seq].Turn != r.Turn {
			return resumed, &messages.Failure{Code: messages.CodeRestarted, What: "it went on"}
		}
		record.Outputs++
		resumed.Output = append(resumed.Output, j.items[seq].Item)
	}
	if record.Reason == messages.ReasonServerRestart {
		record.Status, record.Reason = messages.TurnRunning, ""
	}
	resumed.Found, resumed.Record = true, record
	return resumed, nil
}

func (j *journal) AppendItems(_ context.Context, a messages.ItemsAppend) ([]messages.StoredItem, error) {
	err := j.enter("AppendItems")
	defer j.mu.Unlock()
	if err == nil {
		err = j.fence(a.Epoch)
	}
	if err != nil {
		return nil, err
	}
	first := j.next
	j.put(first, a.Request, a.Items)
	added := make([]messages.StoredItem, len(a.Items))
	for i := range added {
		added[i] = j.items[first+messages.Seq(i)]
	}
	return added, nil
}

func (j *journal) EraseItem(_ context.Context, _ messages.ConversationRef, epoch messages.Epoch, id messages.ItemID) error {
	err := j.enter("EraseItem")
	defer j.mu.Unlock()
	if err == nil {
		err = j.fence(epoch)
	}
	if err != nil {
		return err
	}
	for seq, item := range j.items {
		if item.ID == id {
			j.items[seq] = messages.StoredItem{Seq: seq, Erased: true}
			return nil
		}
	}
	return &messages.Failure{Code: messages.CodeItemAbsent, What: "absent"}
}

func (j *journal) EraseTurn(_ context.Context, _ messages.ConversationRef, epoch messages.Epoch, turn messages.TurnID) error {
	err := j.enter("EraseTurn")
	defer j.mu.Unlock()
	if err == nil {
		err = j.fence(epoch)
	}
	delete(j.records, turn)
	return err
}

func (j *journal) DropConversation(_ context.Context, _ messages.ConversationRef, epoch messages.Epoch) error {
	err := j.enter("DropConversation")
	defer j.mu.Unlock()
	if err == nil {
		err = j.fence(epoch)
	}
	if err == nil {
		j.exists = false
		clear(j.items)
	}
	return err
}
