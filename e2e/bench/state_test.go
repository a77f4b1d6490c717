package bench

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"eucactl/cloud"
	"eucactl/plan"
	"eucactl/state"
)

// Of the benchmark of state: an instance is six records, itself, its port, its address and three claims.
const (
	fullInstances = 16667
	fullRecords   = 6 * fullInstances
	stateTurns    = 5
	updatesATurn  = 100
)

// BenchmarkState opens a state directory with 100,000 records and updates them, a synced commit each, in turn with
// pebble alone on a copy of the directory: the same keys, the same bytes, the same sync.
func BenchmarkState(b *testing.B) {
	dir := folder(b)
	fillFull(b, dir+"/ours")
	if out, err := exec.Command("cp", "-r", dir+"/ours", dir+"/floor").CombinedOutput(); err != nil {
		b.Fatalf("copy: %v: %s", err, out)
	}
	for range b.N {
		measureOpen(b, dir)
		measureUpdates(b, dir)
	}
}

func fillFull(b *testing.B, dir string) {
	s := openStore(b, dir)
	cluster, _ := bigInventory(b).Cluster("big")
	settings := plan.SettingsOf(cluster)
	public := netip.MustParseAddr("198.18.0.0")
	for n := 0; n < fullInstances; {
		update(b, s, func(tx *state.Tx) {
			for last := min(n+500, fullInstances); n < last; n++ {
				public = public.Next()
				putInstance(tx, public, settings, n)
			}
		})
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func openStore(b *testing.B, dir string) *state.Store {
	b.Helper()
	s, err := state.Open(dir, state.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func openPebble(b *testing.B, dir string) *pebble.DB {
	b.Helper()
	db, err := pebble.Open(dir, &pebble.Options{FormatMajorVersion: pebble.FormatTableFormatV6, Logger: quiet{}})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// quiet keeps pebble from telling what it does.
type quiet struct{}

func (quiet) Infof(string, ...any)         {}
func (quiet) Errorf(string, ...any)        {}
func (quiet) Fatalf(form string, v ...any) { panic(fmt.Sprintf(form, v...)) }

// measureOpen opens both and closes them; the floor reads each record's bytes and understands none.
func measureOpen(b *testing.B, dir string) {
	var ours, floor []time.Duration
	for range stateTurns {
		ours = append(ours, took(func() {
			if err := openStore(b, dir+"/ours").Close(); err != nil {
				b.Fatal(err)
			}
		}))
		floor = append(floor, took(func() {
			db := openPebble(b, dir+"/floor")
			if n := readAll(b, db); n != fullRecords {
				b.Fatalf("%d records", n)
			}
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
		}))
	}
	figures.times(fmt.Sprintf("open state of %d records / pebble, bytes read", fullRecords), ours, floor)
}

func readAll(b *testing.B, db *pebble.DB) (n int) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte("r/"), UpperBound: []byte("r0")})
	if err != nil {
		b.Fatal(err)
	}
	for it.First(); it.Valid(); it.Next() {
		if _, err := it.ValueAndErr(); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if err := it.Close(); err != nil {
		b.Fatal(err)
	}
	return n
}

// measureUpdates changes one instance an update: its record and a journal entry with both of its forms.
func measureUpdates(b *testing.B, dir string) {
	s, db := openStore(b, dir+"/ours"), openPebble(b, dir+"/floor")
	var ours, floor []time.Duration
	n, size := 0, 0 // of updates; of bytes in each
	for range stateTurns {
		from := s.Rev() + 1
		ours = append(ours, took(func() {
			for range updatesATurn {
				n++
				update(b, s, func(tx *state.Tx) {
					in, _ := tx.Instance(cloud.InstanceID(fmt.Sprintf("i-%08x", n)))
					in.Reboots++
					tx.PutInstance(in)
				})
			}
		}))
		batches := written(b, s, from)
		floor = append(floor, took(func() {
			for _, batch := range batches {
				size = batch.write(b, db)
			}
		}))
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	figures.rates(fmt.Sprintf("  synced updates of %d bytes / pebble Set+Sync", size), updatesATurn, ours, floor)
}

// commit is what one update wrote: keys and values in turn.
type commit [][]byte

// written is what the store wrote since a revision, told by its journal.
func written(b *testing.B, s *state.Store, from uint64) (list []commit) {
	err := s.Journal(from, 0, func(e state.Entry) error {
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		rev := binary.BigEndian.AppendUint64(nil, e.Rev)
		c := commit{append([]byte("j/"), rev...), text, []byte("revision"), rev}
		for _, d := range e.Deltas {
			c = append(c, []byte("r/"+d.Table+"/"+d.Key), d.After)
		}
		list = append(list, c)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return list
}

func (c commit) write(b *testing.B, db *pebble.DB) (size int) {
	batch := db.NewBatch()
	for i := 0; i < len(c); i += 2 {
		size += len(c[i]) + len(c[i+1])
		if err := batch.Set(c[i], c[i+1], nil); err != nil {
			b.Fatal(err)
		}
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		b.Fatal(err)
	}
	if err := batch.Close(); err != nil {
		b.Fatal(err)
	}
	return size
}
