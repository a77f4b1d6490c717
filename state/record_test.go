package state

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"eucactl/cloud"
)

var compareAddrs = cmpopts.EquateComparable(cloud.Address{}.IP, cloud.Settings{}.Subnet)

// Every table gives back what it was given, at once and after opening again.
func TestEveryNounIsKept(t *testing.T) {
	fs := vfs.NewMem()
	s := openMem(t, fs)
	list := nouns()
	if len(list) != len(tables()) {
		t.Fatalf("%d nouns for %d tables", len(list), len(tables()))
	}
	putAll(t, s, list)
	check := func(when string) {
		for _, v := range list {
			got, ok := getAny(s.View(), v)
			if !ok {
				t.Errorf("%s: %T is not there", when, v)
				continue
			}
			want := clone(v)
			*want.(interface{ Header() *cloud.Meta }).Header() = cloud.Meta{V: 1, Rev: 1}
			if b, ok := want.(*cloud.Buried); ok {
				b.When = noon
			}
			if d := cmp.Diff(want, got, compareAddrs); d != "" {
				t.Errorf("%s: %T: -want +got\n%s", when, v, d)
			}
		}
	}
	check("at once")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openMem(t, fs)
	closing(t, s)
	check("opened again")
}

// clone copies by reflection, so that it shares no code with what is tested.
func clone(v any) any {
	out := reflect.New(reflect.TypeOf(v).Elem())
	fill(out.Elem())
	return out.Interface()
}

// Nothing given or taken is shared with the store.
func TestDeepCopies(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	closing(t, s)
	list := nouns()
	putAll(t, s, list)
	for _, v := range list {
		want, _ := getAny(s.View(), v)
		wantText := fmt.Sprintf("%+v", want)
		key := clone(v) // spoil changes the keys in v
		spoil(reflect.ValueOf(v).Elem())
		got, _ := getAny(s.View(), key)
		if text := fmt.Sprintf("%+v", got); text != wantText {
			t.Errorf("%T changed with what was given:\n%s\n%s", v, wantText, text)
		}
		spoil(reflect.ValueOf(got).Elem())
		again, _ := getAny(s.View(), key)
		if text := fmt.Sprintf("%+v", again); text != wantText {
			t.Errorf("%T changed with what was taken:\n%s\n%s", v, wantText, text)
		}
	}
}

// spoil changes everything that v refers to, in place.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
			v.Index(i).SetZero()
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			spoil(value)
			v.SetMapIndex(key, reflect.Value{})
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				spoil(v.Field(i))
			}
		}
	}
}

// Lists are copies too.
func TestListsAreCopies(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	closing(t, s)
	update(t, s, func(tx *Tx) { tx.PutInstance(instance(1, "n1")) })
	s.View().Instances()[0].Groups[0] = "spoilt"
	s.View().InstancesOn("n1")[0].Groups[0] = "spoilt"
	for v := range s.View().EachInstance() {
		v.Groups[0] = "spoilt"
	}
	if v, _ := s.View().Instance("i-00000001"); v.Groups[0] != "sg-00000001" {
		t.Errorf("the groups are %v", v.Groups)
	}
}

// A cloud.Secret masks itself when it is written: none may be in a record.
func TestNoSecretInRecords(t *testing.T) {
	for _, v := range nouns() {
		if path := secretIn(reflect.TypeOf(v).Elem()); path != "" {
			t.Errorf("%T has a secret: %s", v, path)
		}
	}
}

func secretIn(typ reflect.Type) string {
	if typ == reflect.TypeFor[cloud.Secret]() {
		return "itself"
	}
	switch typ.Kind() {
	case reflect.Slice:
		return secretIn(typ.Elem())
	case reflect.Map:
		return secretIn(typ.Key()) + secretIn(typ.Elem())
	case reflect.Struct:
		if !strings.HasPrefix(typ.PkgPath(), "eucactl/") {
			return ""
		}
		for i := range typ.NumField() {
			if secretIn(typ.Field(i).Type) != "" {
				return typ.Field(i).Name
			}
		}
	}
	return ""
}

// What is in memory is what a later process reads: an empty list that is left out on
// the disk is no list at once.
func TestMemoryIsAsTheDisk(t *testing.T) {
	fs := vfs.NewMem()
	s := openMem(t, fs)
	update(t, s, func(tx *Tx) {
		tx.PutImage(cloud.Image{ID: "emi-1", LaunchUsers: []string{}})
		tx.PutGroup(cloud.Group{ID: "sg-1", Description: "a\xffb"})
	})
	now := fmt.Sprintf("%#v %#v", s.View().Images(), s.View().Groups())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openMem(t, fs)
	closing(t, s)
	if later := fmt.Sprintf("%#v %#v", s.View().Images(), s.View().Groups()); later != now {
		t.Errorf("then  %s\nlater %s", now, later)
	}
}

func TestIndexes(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	closing(t, s)
	update(t, s, func(tx *Tx) {
		for i, host := range []string{"n1", "n10", "n1", ""} {
			tx.PutInstance(instance(i, host))
		}
		tx.PutInstance(cloud.Instance{ID: "i-00000004", Cluster: "two", Want: cloud.Terminated})
		tx.PutInstance(cloud.Instance{ID: "i-00000005", Cluster: "two", Want: cloud.Terminated, Released: noon})
		tx.PutGroup(cloud.Group{ID: "sg-1", Owner: "al", Name: "ice", Chain: "al-ice"})
		tx.PutGroup(cloud.Group{ID: "sg-2", Owner: "a", Name: "lice", Chain: "a-lice"})
		tx.PutNetwork(cloud.Network{ID: "net-1", Cluster: "one", Group: "sg-1", Gone: true})
		tx.PutNetwork(cloud.Network{ID: "net-2", Cluster: "one", Group: "sg-1"})
		tx.PutNetwork(cloud.Network{ID: "net-3", Cluster: "two", Group: "sg-1", Gone: true})
		tx.PutSubnet(cloud.Subnet{ID: "subnet-1", Network: "net-2"})
		tx.PutPort(cloud.Port{ID: "port-1", Network: "net-2", Instance: "i-00000001"})
	})
	tx := s.View()
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"on n1", ids(tx.InstancesOn("n1")), []string{"i-00000000", "i-00000002"}},
		{"on none", ids(tx.InstancesOn("")), []string(nil)},
		{"of group", len(tx.InstancesOfGroup("sg-00000001")), 4},
		{"of reservation", len(tx.InstancesOfReservation("r-00000001")), 4},
		{"of owner", len(tx.InstancesOf("alice")), 4},
		{"in cluster", len(tx.InstancesIn("one")), 4},
		{"ending in one", ids(tx.InstancesEnding("one")), []string(nil)},
		{"ending in two", ids(tx.InstancesEnding("two")), []string{"i-00000004"}},
		{"groups of a", len(tx.GroupsOf("a")), 1},
		{"networks in one", len(tx.NetworksIn("one")), 2},
		{"ports of", len(tx.PortsOf("net-2")), 1},
	} {
		if d := cmp.Diff(c.want, c.got); d != "" {
			t.Errorf("%s: -want +got\n%s", c.name, d)
		}
	}
	if g, ok := tx.GroupNamed("a", "lice"); !ok || g.ID != "sg-2" {
		t.Errorf("group a/lice is %v %v", g.ID, ok)
	}
	if g, ok := tx.GroupByChain("al-ice"); !ok || g.ID != "sg-1" {
		t.Errorf("group of al-ice is %v %v", g.ID, ok)
	}
	if n, ok := tx.NetworkOf("one", "sg-1"); !ok || n.ID != "net-2" {
		t.Errorf("network in one is %v %v", n.ID, ok)
	}
	if n, ok := tx.NetworkOf("two", "sg-1"); !ok || n.ID != "net-3" {
		t.Errorf("network in two is %v %v", n.ID, ok)
	}
	if _, ok := tx.NetworkOf("two", "sg-2"); ok {
		t.Error("sg-2 has a network")
	}
	if n, ok := tx.SubnetOf("net-2"); !ok || n.ID != "subnet-1" {
		t.Errorf("subnet is %v %v", n.ID, ok)
	}
	if p, ok := tx.PortOf("i-00000001"); !ok || p.ID != "port-1" {
		t.Errorf("port is %v %v", p.ID, ok)
	}
	// An update moves records between index values, and is seen inside itself.
	update(t, s, func(tx *Tx) {
		tx.PutInstance(instance(0, "n10"))
		tx.DeleteInstance("i-00000002")
		if got := ids(tx.InstancesOn("n1")); got != nil {
			t.Errorf("inside, on n1: %v", got)
		}
	})
	if got := ids(s.View().InstancesOn("n10")); !cmp.Equal(got, []string{"i-00000000", "i-00000001"}) {
		t.Errorf("on n10: %v", got)
	}
}
