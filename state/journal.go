package state

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/go-memdb"
)

// Entry is one update in the journal: who did what and when, and what it changed.
type Entry struct {
	V      int       `json:"v"`
	Rev    uint64    `json:"rev"`
	Time   time.Time `json:"time"`
	Actor  string    `json:"actor"`
	Verb   string    `json:"verb"`
	Deltas []Delta   `json:"deltas"`
}

// Delta is a record before and after; a new one has no before, a deleted one no
// after. Sealed records and answers to requests never are in the journal.
type Delta struct {
	Table  string          `json:"table"`
	Key    string          `json:"key"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

func writeEntry(batch *pebble.Batch, tx *Tx, a Actor, changes memdb.Changes) error {
	e := Entry{V: version, Rev: tx.rev, Time: a.Time, Actor: a.User, Verb: a.Verb, Deltas: []Delta{}}
	for _, c := range changes {
		if k, _ := tableNamed(c.Table); !k.journaled() {
			continue
		}
		d := Delta{Table: c.Table, Key: keyOf(c), After: tx.texts[c.After]}
		if c.Before != nil {
			text, err := json.Marshal(c.Before)
			if err != nil {
				return fmt.Errorf("record %s/%s: %w", d.Table, d.Key, err)
			}
			d.Before = text
		}
		e.Deltas = append(e.Deltas, d)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("journal entry %d: %w", tx.rev, err)
	}
	return batch.Set(journalKey(tx.rev), text, nil)
}

// Journal gives fn the entries of the revisions from..to, both included, oldest
// first; to = 0 means up to the newest. An error from fn ends it and is returned.
func (s *Store) Journal(from, to uint64, fn func(Entry) error) (err error) {
	if err := s.use.enter(); err != nil {
		return err
	}
	defer s.use.leave()
	o := &pebble.IterOptions{LowerBound: journalKey(from), UpperBound: []byte(journalEnd)}
	if to != 0 && to != math.MaxUint64 {
		o.UpperBound = journalKey(to + 1)
	}
	it, err := s.disk.NewIter(o)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := it.Close(); err == nil {
			err = closeErr
		}
	}()
	for it.First(); it.Valid(); it.Next() {
		e, err := decodeEntry(it)
		if err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return it.Error()
}

func decodeEntry(it *pebble.Iterator) (Entry, error) {
	var e Entry
	text, err := it.ValueAndErr()
	if err != nil {
		return e, err
	}
	err = json.Unmarshal(text, &e)
	if newer := peekVersion(err, text, e.V); newer > version {
		return e, &VersionError{Record: fmt.Sprintf("journal/%d", e.Rev), Version: newer, Known: version}
	}
	if err != nil {
		return e, fmt.Errorf("journal entry at %q: %w", it.Key(), err)
	}
	return e, nil
}

// Prune drops the entries of all revisions before the given one.
func (s *Store) Prune(before uint64) error {
	if err := s.use.enter(); err != nil {
		return err
	}
	defer s.use.leave()
	s.write.Lock()
	defer s.write.Unlock()
	if broken := s.use.broken(); broken != nil {
		return broken
	}
	batch := s.disk.NewBatch()
	if err := batch.DeleteRange([]byte(journalPrefix), journalKey(before), nil); err != nil {
		return err
	}
	return s.commitSynced(batch)
}
