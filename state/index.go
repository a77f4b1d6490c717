package state

import (
	"fmt"
	"strings"

	"github.com/hashicorp/go-memdb"
)

// idIndex is the name that memdb wants for the index by key.
const idIndex = "id"

// Index values end in a zero byte, so that no value is the beginning of another.
func indexValue(v string) []byte { return append([]byte(v), 0) }

// both is the index value of two things together.
func both(a, b string) string { return a + "\x00" + b }

func fromArgs(args []any) ([]byte, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("an index takes one string, not %d", len(args))
	}
	v, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("an index takes a string, not %T", args[0])
	}
	return indexValue(v), nil
}

// keyIndexer finds a record by its key, or records by how their keys begin.
type keyIndexer struct{ keyOf func(any) string }

func (x keyIndexer) FromArgs(args ...any) ([]byte, error) { return fromArgs(args) }

func (x keyIndexer) FromObject(row any) (bool, []byte, error) {
	return true, indexValue(x.keyOf(row)), nil
}

func (x keyIndexer) PrefixFromArgs(args ...any) ([]byte, error) {
	v, err := fromArgs(args)
	return []byte(strings.TrimSuffix(string(v), "\x00")), err
}

// indexer finds records by values computed from them; empty values are left out.
type indexer[T any] struct{ of func(*T) []string }

func (x indexer[T]) FromArgs(args ...any) ([]byte, error) { return fromArgs(args) }

func (x indexer[T]) FromObject(row any) (bool, [][]byte, error) {
	var values [][]byte
	for _, v := range x.of(row.(*T)) {
		if v != "" {
			values = append(values, indexValue(v))
		}
	}
	return len(values) > 0, values, nil
}

func (t *table[T]) schema() *memdb.TableSchema {
	indexes := map[string]*memdb.IndexSchema{
		idIndex: {Name: idIndex, Unique: true, Indexer: keyIndexer{t.keyOf}},
	}
	for name, of := range t.indexes {
		indexes[name] = &memdb.IndexSchema{Name: name, AllowMissing: true, Indexer: indexer[T]{of}}
	}
	return &memdb.TableSchema{Name: t.name, Indexes: indexes}
}
