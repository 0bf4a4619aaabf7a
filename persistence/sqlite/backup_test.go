package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"example.com/parley/messages"
	"example.com/parley/persistence/sqlite"
)

// A backup is of one moment, whatever is written meanwhile.
func TestBackupOfADatabaseInUseIsWhole(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "50% of what? #1") // a path is not an address
	database := filepath.Join(folder, "data", "parley.db")
	store := open(t, database)
	ref := writtenRef(0)
	if _, err := store.CreateConversation(t.Context(), messages.Conversation{Ref: ref, Created: time.Now()}, newTurnID(), nil); err != nil {
		t.Fatal(err)
	}
	a, err := store.Activate(t.Context(), messages.Activate{Ref: ref, MaxItems: 1, MaxBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	begun := make(chan struct{}, 1)
	var writing sync.WaitGroup
	writing.Go(func() {
		for {
			if _, err := store.AppendItems(t.Context(), messages.ItemsAppend{
				Ref: ref, Epoch: a.Epoch, Request: newTurnID(),
				Items: []messages.Item{messages.TextMessage(messages.RoleUser, "one"), messages.TextMessage(messages.RoleUser, "two")},
			}); err != nil {
				t.Error(err)
			}
			select {
			case begun <- struct{}{}:
			case <-stop:
				return
			default:
			}
		}
	})
	<-begun
	backup := filepath.Join(folder, "backup.db")
	err = sqlite.Backup(t.Context(), database, backup)
	close(stop)
	writing.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Restore(t.Context(), backup, database); err == nil {
		t.Error("a restore overwrote a database that is in use")
	}
	store.Close()
	if err := sqlite.Restore(t.Context(), backup, database); messages.CodeOf(err) != messages.CodeInvalidRequest {
		t.Errorf("a restore over a database: %v", err)
	}

	target := filepath.Join(folder, "restored", "parley.db")
	if err := sqlite.Restore(t.Context(), backup, target); err != nil {
		t.Fatal(err)
	}
	restored := open(t, target)
	defer restored.Close()
	items, _, err := restored.Items(t.Context(), ref, messages.Page{Limit: 100})
	if err != nil || len(items) == 0 {
		t.Fatalf("%d items: %v", len(items), err)
	}
	next, err := restored.Activate(t.Context(), messages.Activate{Ref: ref, MaxItems: 1, MaxBytes: 1 << 10})
	if err != nil || next.Next != items[0].Seq+1 || items[0].Seq%2 != 0 {
		t.Errorf("the newest item is %d, the next place %d: %v", items[0].Seq, next.Next, err)
	}
}

func TestBackupsAreForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	database, backup := filepath.Join(folder, "parley.db"), filepath.Join(folder, "backup.db")
	store := open(t, database)
	defer store.Close()
	if err := sqlite.Backup(t.Context(), database, backup); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{database, backup} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if err := sqlite.Backup(t.Context(), database, backup); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a backup over another: %v", err)
	}
	if err := sqlite.Backup(t.Context(), filepath.Join(folder, "none.db"), filepath.Join(folder, "other.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a backup of nothing: %v", err)
	}
}

func TestWhatIsNoBackupIsNotRestored(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	database, backup := filepath.Join(folder, "parley.db"), filepath.Join(folder, "backup.db")
	open(t, database).Close()
	if err := sqlite.Backup(t.Context(), database, backup); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), whole...)
	for i := 4096; i < 3*4096; i++ {
		damaged[i] ^= 0x5a
	}
	for name, content := range map[string][]byte{
		"damaged": damaged, "cut": whole[:len(whole)/2], "empty": {}, "something else": []byte("not a database at all, but long enough to be looked at"),
	} {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(folder, "restored "+name, "parley.db")
		if err := sqlite.Restore(t.Context(), file, target); err == nil {
			t.Errorf("%s: restored", name)
		}
		if _, err := os.Stat(target); err == nil {
			t.Errorf("%s: left a database behind", name)
		}
	}
}

// The log of a database that was moved away would be played into the restored one.
func TestLogLeftBehindIsNotRestoredUnder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	database, backup := filepath.Join(folder, "parley.db"), filepath.Join(folder, "backup.db")
	open(t, database).Close()
	if err := sqlite.Backup(t.Context(), database, backup); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(database, database+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(database+"-wal", []byte("log"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Restore(t.Context(), backup, database); messages.CodeOf(err) != messages.CodeInvalidRequest {
		t.Errorf("got %v", err)
	}
}
