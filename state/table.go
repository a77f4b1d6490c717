package state

import (
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/go-memdb"

	"eucactl/cloud"
)

// version is the newest form of a record that this eucactl knows. It is raised when
// an older eucactl, which would drop a field it does not know, must refuse.
const version = 1

// record is what a noun must offer to be kept.
type record[T any] interface {
	Key() string
	Clone() T
}

// table is the shape of one table. In memory a record is a *T that never changes.
type table[T record[T]] struct {
	name    string
	indexes map[string]func(*T) []string

	buries  bool // the keys are ids: a deleted one is never given again
	silent  bool // not in the journal
	private bool // not in dumps
}

func header[T any](v *T) *cloud.Meta {
	return any(v).(interface{ Header() *cloud.Meta }).Header()
}

func (t *table[T]) get(tx *Tx, key string) (T, bool) {
	return t.one(tx, idIndex, key)
}

// one is the first record that the index has under the value.
func (t *table[T]) one(tx *Tx, index, value string) (T, bool) {
	if v := t.first(tx.reader(), index, value); v != nil {
		return (*v).Clone(), true
	}
	var none T
	return none, false
}

func (t *table[T]) all(tx *Tx) []T { return t.list(tx, idIndex+"_prefix", "") }

// list is nil if there are none. It counts before it copies: records are big.
func (t *table[T]) list(tx *Tx, index, value string) []T {
	var rows []*T
	for v := range t.scan(tx, index, value) {
		rows = append(rows, v)
	}
	if rows == nil {
		return nil
	}
	list := make([]T, len(rows))
	for i, v := range rows {
		list[i] = (*v).Clone()
	}
	return list
}

// each yields copies, one at a time.
func (t *table[T]) each(tx *Tx) iter.Seq[T] {
	return func(yield func(T) bool) {
		for v := range t.scan(tx, idIndex+"_prefix", "") {
			if !yield((*v).Clone()) {
				return
			}
		}
	}
}

// scan yields the records themselves, in the order of their keys.
func (t *table[T]) scan(tx *Tx, index, value string) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		rows, err := tx.reader().Get(t.name, index, value)
		if err != nil {
			panic(fmt.Sprintf("state: scan %s by %s: %v", t.name, index, err))
		}
		for row := rows.Next(); row != nil; row = rows.Next() {
			if !yield(row.(*T)) {
				return
			}
		}
	}
}

func (t *table[T]) first(mem *memdb.Txn, index, value string) *T {
	row, err := mem.First(t.name, index, value)
	if err != nil {
		panic(fmt.Sprintf("state: look up %s by %s: %v", t.name, index, err))
	}
	if row == nil {
		return nil
	}
	return row.(*T)
}

// put stamps the record and keeps it in the form in which it will be read from the
// disk. A record that says what it said before this transaction stays as it was.
func (t *table[T]) put(tx *Tx, v T) {
	mem, key := tx.writer(), v.Key()
	if err := checkKey(key); err != nil {
		tx.fail(fmt.Errorf("record %s/%q: %w", t.name, key, err))
		return
	}
	*header(&v) = cloud.Meta{V: version, Rev: tx.rev}
	text, err := json.Marshal(v)
	if err != nil {
		tx.fail(fmt.Errorf("record %s/%s: %w", t.name, key, err))
		return
	}
	next := new(T)
	if err := json.Unmarshal(text, next); err != nil {
		tx.fail(fmt.Errorf("record %s/%s: %w", t.name, key, err))
		return
	}
	now := t.first(mem, idIndex, key)
	if t.buries && now == nil && tx.Buried(key) {
		tx.fail(fmt.Errorf("record %s/%s: the id was given before", t.name, key))
		return
	}
	before := t.first(tx.before, idIndex, key)
	if sameButRev(next, before) {
		next = before
	} else {
		tx.texts[next] = text
	}
	if next != now {
		tx.check(mem.Insert(t.name, next))
	}
}

// sameButRev compares records in the form in which they are kept.
func sameButRev[T any](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	shallow := *a
	header(&shallow).Rev = header(b).Rev
	return reflect.DeepEqual(&shallow, b)
}

// delete removes a record; one that is not there may be deleted.
func (t *table[T]) delete(tx *Tx, key string) {
	mem := tx.writer()
	v := t.first(mem, idIndex, key)
	if v == nil {
		return
	}
	tx.check(mem.Delete(t.name, v))
	if t.buries && t.first(tx.before, idIndex, key) != nil {
		tx.Bury(key)
	}
}

// checkKey refuses what would not come back from the disk or would confuse indexes.
func checkKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("the key is empty")
	case !utf8.ValidString(key):
		return fmt.Errorf("the key is not UTF-8")
	case strings.ContainsRune(key, 0):
		return fmt.Errorf("the key contains a zero byte")
	}
	return nil
}

// kind is a table without its type, for what is done to all of them.
type kind interface {
	label() string
	schema() *memdb.TableSchema
	decode(key string, text []byte) (row any, rev uint64, err error)
	keyOf(row any) string
	journaled() bool
	dumped() bool
}

func (t *table[T]) label() string        { return t.name }
func (t *table[T]) keyOf(row any) string { return (*row.(*T)).Key() }
func (t *table[T]) journaled() bool      { return !t.silent }
func (t *table[T]) dumped() bool         { return !t.private }

// decode reads a record from the disk, where its key must be its own, or with an
// empty key from a dump.
func (t *table[T]) decode(key string, text []byte) (any, uint64, error) {
	v := new(T)
	err := json.Unmarshal(text, v)
	if key == "" {
		key = (*v).Key()
	}
	name := t.name + "/" + key
	// A newer record may well not fit our types; its version says more than that.
	if newer := peekVersion(err, text, header(v).V); newer > version {
		return nil, 0, &VersionError{Record: name, Version: newer, Known: version}
	}
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("record %s: %w", name, err)
	case header(v).V < 1:
		return nil, 0, fmt.Errorf("record %s has no version", name)
	case (*v).Key() != key:
		return nil, 0, fmt.Errorf("record %s says that it is %s", name, (*v).Key())
	}
	return v, header(v).Rev, nil
}

func peekVersion(err error, text []byte, read int) int {
	if err == nil {
		return read
	}
	var meta struct {
		V int `json:"v"`
	}
	_ = json.Unmarshal(text, &meta) // the first error is the one to report
	return meta.V
}
