package state

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"eucactl/cloud"
)

// Observe keeps what hosts were seen to be. It makes no revision and no journal entry
// and does not wait for the disk: a power cut may lose it (a Close does not), and the
// next look at the host brings it again.
func (s *Store) Observe(list ...cloud.Seen) error {
	return s.observe(func(tx *Tx) {
		for _, v := range list {
			seen.put(tx, v)
		}
	})
}

// Forget drops what was seen of hosts that are no longer ours.
func (s *Store) Forget(hosts ...string) error {
	return s.observe(func(tx *Tx) {
		for _, host := range hosts {
			seen.delete(tx, host)
		}
	})
}

func (s *Store) observe(fn func(*Tx)) error {
	if err := s.use.enter(); err != nil {
		return err
	}
	defer s.use.leave()
	s.write.Lock()
	defer s.write.Unlock()
	if broken := s.use.broken(); broken != nil {
		return broken
	}

	tx := s.begin(Actor{})
	defer tx.end()
	tx.rev-- // what is seen is of the present revision
	if fn(tx); tx.err != nil {
		return fmt.Errorf("observe: %w", tx.err)
	}
	changes := tx.changes()
	if len(changes) == 0 {
		return nil
	}
	batch := s.disk.NewBatch()
	if err := writeChanges(batch, tx, changes); err != nil {
		return err
	}
	if err := s.commit(batch, pebble.NoSync); err != nil {
		return err
	}
	tx.mem.Commit()
	s.hub.wake()
	return batch.Close()
}
