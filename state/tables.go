package state

import (
	"slices"

	"github.com/hashicorp/go-memdb"
)

// tables lists all tables, by name: a new record has a noun in cloud (with Meta, Key
// and Clone), a file here and a line in this list. Names are on disk: they stay.
func tables() []kind {
	return []kind{
		addresses, answers, buried, claims, clouds, deadHosts, fences, groups, images,
		instances, keyPairs, networks, ports, sealed, seen, subnets, users,
	}
}

func tableNamed(name string) (kind, bool) {
	all := tables()
	i := slices.IndexFunc(all, func(k kind) bool { return k.label() == name })
	if i < 0 {
		return nil, false
	}
	return all[i], true
}

// revisionTable has one row in memory, so that a view knows its own revision.
const revisionTable = "revision"

type revision struct{ Rev uint64 }

func newMemory() (*memdb.MemDB, error) {
	one := keyIndexer{func(any) string { return revisionTable }}
	schema := &memdb.DBSchema{Tables: map[string]*memdb.TableSchema{
		revisionTable: {Name: revisionTable, Indexes: map[string]*memdb.IndexSchema{
			idIndex: {Name: idIndex, Unique: true, Indexer: one},
		}},
	}}
	for _, k := range tables() {
		schema.Tables[k.label()] = k.schema()
	}
	mem, err := memdb.NewMemDB(schema)
	if err != nil {
		return nil, err
	}
	// A snapshot spares memdb the book-keeping of watches, which we do not use.
	return mem.Snapshot(), nil
}
