// Package state keeps the cloud's records: go-memdb to read them, pebble to keep
// them, and a journal of every change. It knows the nouns and nothing of what they
// are for; it starts nothing on its own and never reads the clock.
//
// What it promises:
//
//  1. Durable first, visible second: a change is synced to the disk before anybody
//     can read it.
//  2. Whole or absent: all changes of one Update and its journal entry are one
//     batch, at every power cut.
//  3. A view never moves: what View returned is one moment for ever.
//  4. Nothing is shared: every record given or taken is a deep copy, and is what a
//     later process will read, byte for byte.
//  5. When the disk's answer is unknown the store is broken: it takes nothing more,
//     and the next Open decides what happened.
package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/go-memdb"
)

// Options are for tests and rehearsals; the zero value is the real thing.
type Options struct {
	// FS holds the files; nil is the operating system's.
	FS vfs.FS
	// OnCommit is called right before ("before") and right after ("after") the n-th
	// commit since Open that is synced, while nothing else can be written.
	OnCommit func(point string, n int)
}

// Store is an open state directory. Its methods may be used concurrently.
type Store struct {
	dir      string
	lock     *pebble.Lock
	disk     *pebble.DB
	onCommit func(string, int)

	mem *memdb.MemDB

	write   sync.Mutex // held by the one writer
	commits int
	// stuck: a commit ended in a panic that may have left pebble's mutexes locked for
	// ever. Such a store cannot be closed; its directory is free when the process ends.
	stuck bool

	use use
	hub hub
}

// diskFormat is pinned so that a newer pebble library alone does not make the
// directory unreadable for the eucactl of yesterday.
const diskFormat = pebble.FormatTableFormatV6

// Open opens the state directory, and makes it if there is none. It loads all
// records but not the journal. While another process has the directory open the
// error is a *LockedError.
func Open(dir string, o Options) (*Store, error) {
	fs, dir, err := prepare(dir, o.FS)
	if err != nil {
		return nil, fmt.Errorf("open state in %s: %w", dir, err)
	}
	lock, err := takeLock(dir, fs)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, lock: lock, onCommit: o.OnCommit, hub: newHub()}
	if s.onCommit == nil {
		s.onCommit = func(string, int) {}
	}
	if err := s.open(fs); err != nil {
		return nil, fmt.Errorf("open state in %s: %w", dir, errors.Join(err, lock.Close()))
	}
	return s, nil
}

func (s *Store) open(fs vfs.FS) (err error) {
	fs, grown, err := newbornFS(s.dir, fs)
	if err != nil {
		return err
	}
	s.disk, err = pebble.Open(s.dir, &pebble.Options{
		FS:                 fs,
		Lock:               s.lock,
		FormatMajorVersion: diskFormat,
		Logger:             logger{},
		// The reader is told of corruption by its error; pebble's default would
		// also end the process.
		EventListener: &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}},
	})
	if err != nil {
		return err
	}
	grown()
	if s.mem, err = s.load(); err != nil {
		return errors.Join(err, s.disk.Close())
	}
	return nil
}

// Close waits for those who are writing or reading the journal, keeps what was
// observed and gives the directory back. Views stay readable.
func (s *Store) Close() error {
	if !s.use.close() {
		return ErrClosed
	}
	s.hub.close()
	broken := s.use.broken()
	if s.stuck {
		return broken
	}
	err := errors.Join(s.disk.Close(), s.lock.Close())
	if broken != nil {
		return broken // and pebble's last words are about the same
	}
	if err != nil {
		return fmt.Errorf("close state in %s: %w", s.dir, err)
	}
	return nil
}

// Rev is the revision of the last update; 0 means that there was none yet.
func (s *Store) Rev() uint64 { return s.View().Rev() }

// commit writes the batch. An error leaves it open whether the disk has the batch,
// so nothing may follow it. The caller holds the write lock.
func (s *Store) commit(b *pebble.Batch, o *pebble.WriteOptions) (err error) {
	defer func() {
		// pebble panics, or calls Fatalf, where it has no error to return.
		switch r := recover().(type) {
		case nil:
		case fatal:
			s.stuck = r.format != commitFailed
			err = s.use.breakDown(errors.New(r.text))
		default:
			s.stuck = true
			err = s.use.breakDown(fmt.Errorf("%v", r))
		}
	}()
	if err := b.Commit(o); err != nil {
		return s.use.breakDown(err)
	}
	return nil
}

// logger silences pebble, except where it wants the process to end.
type logger struct{}

func (logger) Infof(string, ...any)  {}
func (logger) Errorf(string, ...any) {}

// Fatalf does not return. In a commit of ours the panic makes the store broken; in
// a background goroutine of pebble's it ends the process, and the next Open finds
// what was synced.
func (logger) Fatalf(format string, args ...any) {
	panic(fatal{format, fmt.Sprintf(format, args...)})
}

type fatal struct{ format, text string }

func (f fatal) Error() string { return f.text }

// commitFailed is how pebble says that the log could not be written or synced; it
// holds no mutex when it does.
const commitFailed = "pebble: fatal commit error: %v"

// The key ranges on disk.
const (
	recordPrefix  = "r/" // r/<table>/<key>: a record
	recordEnd     = "r0"
	journalPrefix = "j/" // j/<revision, 8 bytes, big endian>: a journal entry
	journalEnd    = "j0"
	revisionKey   = "revision" // 8 bytes, big endian
)

func recordKey(table, key string) []byte { return []byte(recordPrefix + table + "/" + key) }

func journalKey(rev uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(journalPrefix), rev)
}

func revisionBytes(rev uint64) []byte { return binary.BigEndian.AppendUint64(nil, rev) }
