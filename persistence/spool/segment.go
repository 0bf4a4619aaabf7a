package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// segmentBytes is when a new file is begun: small enough to be given back soon,
// large enough that files come and go rarely.
const segmentBytes = 4 << 20

const segmentSuffix = ".spool"

// segment is one file, written through a mapping of it into memory: what is
// copied there is in the kernel's hands at once, for a tenth of what a system
// call costs. It is removed when nothing in it is needed any more.
//
// The queue's mutex guards what changes. Syncing and closing are the syncing
// goroutine's; nothing is put into a file that is to be closed.
type segment struct {
	path   string
	file   *os.File
	mapped []byte
	size   int64

	live    int  // reservations that have not ended, and rows that are not in the store
	unread  int  // those of its rows that are not in memory
	entered bool // the folder's entry of it is on the disk; the syncing goroutine's
	removed atomic.Bool
}

// createSegment makes a file that has room for at least the given bytes. All its
// blocks are there from the beginning, so that a full disk is found out here and
// not when the mapping is written.
func createSegment(folder string, number uint64, least int) (s *segment, err error) {
	path := filepath.Join(folder, fmt.Sprintf("%020d%s", number, segmentSuffix))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) // #nosec G304 -- in our own folder
	if err != nil {
		return nil, fmt.Errorf("begin a file of the ledger's queue: %w", err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(path)
		}
	}()
	room := max(segmentBytes, least)
	if err := preallocate(file, int64(room)); err != nil {
		return nil, fmt.Errorf("make room for the ledger's queue: %w", err)
	}
	mapped, err := unix.Mmap(int(file.Fd()), 0, room, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED) // #nosec G115 -- a file descriptor
	if err != nil {
		return nil, fmt.Errorf("map a file of the ledger's queue: %w", err)
	}
	return &segment{path: path, file: file, mapped: mapped}, nil
}

func (s *segment) fits(record []byte) bool { return int64(len(s.mapped))-s.size >= int64(len(record)) }

// put writes a record. Its length comes last: a process that dies in the middle
// leaves a zero there, which is the end of what was written. A disk that fails
// under the mapping faults, which is an error here and not the end of the process.
func (s *segment) put(record []byte) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("write the ledger's queue: %v", fault)
		}
	}()
	at := s.mapped[s.size : s.size+int64(len(record))]
	copy(at[4:], record[4:])
	binary.LittleEndian.PutUint32(at, binary.LittleEndian.Uint32(record))
	s.size += int64(len(record))
	return nil
}

// sync waits until the disk has what was put so far.
func (s *segment) sync() error {
	err := unix.Msync(s.mapped, unix.MS_SYNC)
	if !s.entered && err == nil {
		err = syncFolder(filepath.Dir(s.path))
		s.entered = err == nil
	}
	return err
}

// close syncs a file that nothing is put into any more, and frees what was kept
// for it.
func (s *segment) close() error {
	if s.removed.Load() {
		return errors.Join(unix.Munmap(s.mapped), s.file.Close())
	}
	return errors.Join(s.sync(), unix.Munmap(s.mapped), s.file.Truncate(s.size), s.file.Close())
}

func syncFolder(path string) error {
	folder, err := os.Open(path) // #nosec G304 -- our own folder
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
