package state

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/go-memdb"
)

// A dump is lines of JSON: first the frame, then one record a line, by table and key.
// The frame's count shows a dump that was cut short.
type frame struct {
	Dump    string `json:"dump"`
	V       int    `json:"v"`
	Rev     uint64 `json:"rev"`
	Records int    `json:"records"`
}

type line struct {
	Table  string          `json:"table"`
	Record json.RawMessage `json:"record"`
}

const dumpName = "eucactl-state"

// Export writes all records of this moment, except the sealed ones.
func (s *Store) Export(w io.Writer) error { return s.View().Export(w) }

// Export writes all records of the view's moment, except the sealed ones.
func (tx *Tx) Export(w io.Writer) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	count := 0
	for range tx.rows {
		count++
	}
	if err := enc.Encode(frame{dumpName, version, tx.Rev(), count}); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	for name, row := range tx.rows {
		text, err := json.Marshal(row)
		if err != nil {
			return fmt.Errorf("export %s: %w", name, err)
		}
		if err := enc.Encode(line{name, text}); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// rows yields every row that a dump has.
func (tx *Tx) rows(yield func(string, any) bool) {
	for _, k := range tables() {
		if !k.dumped() {
			continue
		}
		rows, err := tx.reader().Get(k.label(), idIndex+"_prefix", "")
		if err != nil {
			panic(fmt.Sprintf("state: scan %s: %v", k.label(), err))
		}
		for row := rows.Next(); row != nil; row = rows.Next() {
			if !yield(k.label(), row) {
				return
			}
		}
	}
}

// Import fills a store that never had an update with a dump, all or nothing. Records
// keep their revisions; the journal begins after it.
func (s *Store) Import(r io.Reader) error {
	if err := s.use.enter(); err != nil {
		return err
	}
	defer s.use.leave()
	s.write.Lock()
	defer s.write.Unlock()
	switch broken := s.use.broken(); {
	case broken != nil:
		return broken
	case s.Rev() != 0:
		return fmt.Errorf("import: the state is not empty, it is at revision %d", s.Rev())
	}
	tx := s.begin(Actor{})
	defer tx.end()
	batch := s.disk.NewBatch()
	if err := importRecords(r, tx, batch); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if err := s.commitSynced(batch); err != nil {
		return err
	}
	return s.show(tx)
}

func importRecords(r io.Reader, tx *Tx, batch *pebble.Batch) error {
	in := json.NewDecoder(r)
	var f frame
	if err := in.Decode(&f); err != nil || f.Dump != dumpName {
		return errors.Join(errors.New("this is no dump of eucactl's state"), err)
	}
	if f.V > version {
		return fmt.Errorf("the dump is version %d; this eucactl knows up to %d", f.V, version)
	}
	tx.rev = f.Rev
	for n := 0; ; n++ {
		var l line
		switch err := in.Decode(&l); {
		case err == io.EOF && n == f.Records:
			return batch.Set([]byte(revisionKey), revisionBytes(f.Rev), nil)
		case err == io.EOF:
			return fmt.Errorf("the dump ends after %d of %d records", n, f.Records)
		case err != nil:
			return fmt.Errorf("record %d: %w", n+1, err)
		}
		if err := importRecord(l, tx.mem, batch, f.Rev); err != nil {
			return fmt.Errorf("record %d: %w", n+1, err)
		}
	}
}

func importRecord(l line, mem *memdb.Txn, batch *pebble.Batch, rev uint64) error {
	k, ok := tableNamed(l.Table)
	if !ok {
		return fmt.Errorf("this eucactl has no table %q", l.Table)
	}
	row, of, err := k.decode("", l.Record)
	if err != nil {
		return err
	}
	key := k.keyOf(row)
	if of > rev {
		return fmt.Errorf("record %s/%s is of revision %d, the dump of %d", l.Table, key, of, rev)
	}
	if err := checkKey(key); err != nil {
		return fmt.Errorf("record %s/%q: %w", l.Table, key, err)
	}
	if twice, err := mem.First(l.Table, idIndex, key); err != nil || twice != nil {
		return errors.Join(err, fmt.Errorf("%s/%s is there twice", l.Table, key))
	}
	if err := mem.Insert(l.Table, row); err != nil {
		return err
	}
	text, err := json.Marshal(row)
	if err != nil {
		return err
	}
	return batch.Set(recordKey(l.Table, key), text, nil)
}
