package state

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"eucactl/cloud"
)

var updateGolden = flag.Bool("update", false, "write testdata/v1.jsonl anew (only before its first release)")

// openElsewhere names a state directory that a child process of the lock test opens.
const openElsewhere = "EUCACTL_TEST_OPEN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(openElsewhere); dir != "" {
		os.Exit(reportOpen(dir))
	}
	goleak.VerifyTestMain(m)
}

// reportOpen is the child process: it says on stdout how Open went.
func reportOpen(dir string) int {
	s, err := Open(dir, Options{})
	var locked *LockedError
	switch {
	case errors.As(err, &locked):
		fmt.Printf("locked %s by %d\n", locked.Dir, locked.PID)
		return 3
	case err != nil:
		fmt.Println(err)
		return 1
	}
	fmt.Printf("revision %d\n", s.Rev())
	if s.Close() != nil {
		return 1
	}
	return 0
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func by(verb string) Actor { return Actor{User: "alice", Verb: verb, Time: noon} }

func openMem(t testing.TB, fs vfs.FS) *Store {
	t.Helper()
	s, err := Open("state", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closing(t testing.TB, s *Store) {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func update(t testing.TB, s *Store, fn func(tx *Tx)) uint64 {
	t.Helper()
	rev, err := s.Update(by("test"), func(tx *Tx) error { fn(tx); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

func instance(id int, host string) cloud.Instance {
	return cloud.Instance{
		ID: cloud.InstanceID(fmt.Sprintf("i-%08x", id)), Host: host, Owner: "alice", Cluster: "one",
		Reservation: "r-00000001", Groups: []cloud.GroupID{"sg-00000001"}, Launched: noon, Want: cloud.Running,
	}
}

func ids(list []cloud.Instance) (out []string) {
	for _, v := range list {
		out = append(out, string(v.ID))
	}
	return out
}

// nouns has one value of every type that a table keeps, with every field filled.
func nouns() []any {
	list := []any{
		new(cloud.Address), new(cloud.Answer), new(cloud.Buried), new(cloud.Claim), new(cloud.Cloud),
		new(cloud.DeadHost), new(cloud.Fence), new(cloud.Group), new(cloud.Image), new(cloud.Instance),
		new(cloud.KeyPair), new(cloud.Network), new(cloud.Port), new(cloud.Sealed), new(cloud.Seen),
		new(cloud.Subnet), new(cloud.User),
	}
	for _, v := range list {
		fill(reflect.ValueOf(v).Elem())
		*v.(interface{ Header() *cloud.Meta }).Header() = cloud.Meta{}
	}
	return list
}

// fill sets everything in v to something that is not zero and nowhere else.
func fill(v reflect.Value) {
	n := 0
	fillWith(v, v.Type().Name(), &n)
}

func fillWith(v reflect.Value, word string, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(noon.Add(time.Duration(*n) * time.Second)))
		return
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.AddrFrom4([4]byte{10, 0, 0, byte(*n)})))
		return
	case netip.Prefix:
		v.Set(reflect.ValueOf(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(*n), 0, 0}), 24)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("%s-%d", word, *n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fillWith(v.Index(i), word, n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fillWith(key, word, n)
		fillWith(value, word, n)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fillWith(v.Field(i), word, n)
		}
	default:
		panic(fmt.Sprintf("fill: what is a %s?", v.Type()))
	}
}

// putAny keeps a noun by its own Put method; what hosts are seen to be has none.
func putAny(tx *Tx, noun any) error {
	switch v := noun.(type) {
	case *cloud.Address:
		tx.PutAddress(*v)
	case *cloud.Answer:
		tx.PutAnswer(*v)
	case *cloud.Buried:
		tx.Bury(v.ID)
	case *cloud.Claim:
		return tx.PutClaim(*v)
	case *cloud.Cloud:
		tx.PutCloud(*v)
	case *cloud.DeadHost:
		tx.PutDeadHost(*v)
	case *cloud.Fence:
		tx.PutFence(*v)
	case *cloud.Group:
		tx.PutGroup(*v)
	case *cloud.Image:
		tx.PutImage(*v)
	case *cloud.Instance:
		tx.PutInstance(*v)
	case *cloud.KeyPair:
		tx.PutKeyPair(*v)
	case *cloud.Network:
		tx.PutNetwork(*v)
	case *cloud.Port:
		tx.PutPort(*v)
	case *cloud.Sealed:
		tx.PutSealed(*v)
	case *cloud.Subnet:
		tx.PutSubnet(*v)
	case *cloud.User:
		tx.PutUser(*v)
	}
	return nil
}

// getAny gets the only record of the noun's table, by its own Get method.
func getAny(tx *Tx, noun any) (any, bool) {
	switch v := noun.(type) {
	case *cloud.Address:
		return found(tx.Address(v.IP))
	case *cloud.Answer:
		return found(tx.Answer(v.Token))
	case *cloud.Buried:
		return found(cloud.Buried{ID: v.ID, When: noon, Meta: cloud.Meta{V: 1, Rev: 1}}, tx.Buried(v.ID))
	case *cloud.Claim:
		return found(tx.Claim(v.Name))
	case *cloud.Cloud:
		return found(tx.Cloud())
	case *cloud.DeadHost:
		return found(tx.DeadHost(v.Host))
	case *cloud.Fence:
		return found(tx.Fence(v.Host))
	case *cloud.Group:
		return found(tx.Group(v.ID))
	case *cloud.Image:
		return found(tx.Image(v.ID))
	case *cloud.Instance:
		return found(tx.Instance(v.ID))
	case *cloud.KeyPair:
		return found(tx.KeyPair(v.Owner, v.Name))
	case *cloud.Network:
		return found(tx.Network(v.ID))
	case *cloud.Port:
		return found(tx.Port(v.ID))
	case *cloud.Sealed:
		return found(tx.Sealed(v.ID))
	case *cloud.Seen:
		return found(tx.Seen(v.Host))
	case *cloud.Subnet:
		return found(tx.Subnet(v.ID))
	case *cloud.User:
		return found(tx.User(v.Name))
	}
	return nil, false
}

func found[T any](v T, ok bool) (any, bool) { return &v, ok }

// putAll keeps all nouns in one update, and what was seen.
func putAll(t testing.TB, s *Store, list []any) {
	t.Helper()
	_, err := s.Update(by("fill"), func(tx *Tx) error {
		for _, v := range list {
			if err := putAny(tx, v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if v, ok := v.(*cloud.Seen); ok {
			if err := s.Observe(*v); err != nil {
				t.Fatal(err)
			}
		}
	}
}
