package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/go-memdb"
)

// load reads all records into a new memory.
func (s *Store) load() (*memdb.MemDB, error) {
	mem, err := newMemory()
	if err != nil {
		return nil, err
	}
	rev, err := s.loadRevision()
	if err != nil {
		return nil, err
	}
	tx := mem.Txn(true)
	defer tx.Abort()
	if err := s.loadRecords(tx, rev); err != nil {
		return nil, err
	}
	if err := tx.Insert(revisionTable, &revision{rev}); err != nil {
		return nil, err
	}
	tx.Commit()
	return mem, nil
}

func (s *Store) loadRevision() (uint64, error) {
	value, closer, err := s.disk.Get([]byte(revisionKey))
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer closer.Close()
	if len(value) != 8 {
		return 0, fmt.Errorf("the revision is %d bytes long, not 8", len(value))
	}
	return binary.BigEndian.Uint64(value), nil
}

func (s *Store) loadRecords(tx *memdb.Txn, rev uint64) (err error) {
	it, err := s.disk.NewIter(&pebble.IterOptions{LowerBound: []byte(recordPrefix), UpperBound: []byte(recordEnd)})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := it.Close(); err == nil {
			err = closeErr
		}
	}()
	for it.First(); it.Valid(); it.Next() {
		text, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		name, key, _ := strings.Cut(string(it.Key()[len(recordPrefix):]), "/")
		if err := insertRecord(tx, name, key, text, rev); err != nil {
			return err
		}
	}
	return it.Error()
}

// insertRecord puts a record that was written before into memory as it is.
func insertRecord(tx *memdb.Txn, name, key string, text []byte, rev uint64) error {
	k, ok := tableNamed(name)
	if !ok {
		return fmt.Errorf("record %s/%s: this eucactl has no table %s", name, key, name)
	}
	row, of, err := k.decode(key, text)
	if err != nil {
		return err
	}
	if of > rev {
		return fmt.Errorf("record %s/%s is of revision %d, the state of %d", name, key, of, rev)
	}
	return tx.Insert(name, row)
}
