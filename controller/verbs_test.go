package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"eucactl/cloud"
)

// A request that is repeated with its token is done once, and answered alike: also
// which hosts to bring to it, for the first asker may have gone.
func TestClientToken(t *testing.T) {
	w := newWorld(t, twoNodes)
	req := cloud.RunInstances{Image: w.image, Min: 1, Max: 1}
	call := func(user, token string, req cloud.RunInstances) (Answer, error) {
		_, a, err := Ask[cloud.Reservation](context.Background(), w.c, "RunInstances", Caller{User: user, Token: token}, false, req)
		return a, err
	}
	first, err := call(cloud.Admin, "tok", req)
	if err != nil {
		t.Fatal(err)
	}
	rev := w.c.Store.Rev()
	again, err := call(cloud.Admin, "tok", req)
	if err != nil || string(again.Body) != string(first.Body) || !slices.Equal(again.Touched, first.Touched) || len(again.Touched) != 2 {
		t.Errorf("%s %v\n%s %v, %v", again.Body, again.Touched, first.Body, first.Touched, err)
	}
	if w.c.Store.Rev() != rev || len(w.c.Store.View().Instances()) != 1 {
		t.Error("it was done twice")
	}
	req.Max = 2
	_, err = call(cloud.Admin, "tok", req)
	refused(t, err, "IdempotentParameterMismatch")
	_, _, err = Ask[cloud.Empty](context.Background(), w.c, "CreateUser", Caller{User: cloud.Admin, Token: "tok"}, false, cloud.CreateUser{Name: "bob"})
	refused(t, err, "IdempotentParameterMismatch")
	must[cloud.User](w, "CreateUser", cloud.CreateUser{Name: "bob"})
	if _, err := call("bob", "tok", req); err != nil { // another user's tokens are his own
		t.Error(err)
	}
	_, err = call(cloud.Admin, strings.Repeat("x", 65), req)
	refused(t, err, "InvalidParameterValue")

	w.now.Add(25 * 60 * 60)
	w.reconcile(Reconcile{})
	if n := len(w.c.Store.View().Answers()); n > 0 {
		t.Errorf("%d answers are still kept", n)
	}
}

// What was refused is not remembered: the next try with the token may succeed.
func TestClientTokenOfARefusal(t *testing.T) {
	w := newWorld(t, twoNodes)
	caller := Caller{User: cloud.Admin, Token: "tok"}
	req := cloud.Authorize{Group: "web", Permissions: []cloud.Permission{{Protocol: "tcp", From: 22, To: 22, CIDR: netip.MustParsePrefix("0.0.0.0/0")}}}
	_, _, err := Ask[cloud.Group](context.Background(), w.c, "AuthorizeSecurityGroupIngress", caller, false, req)
	refused(t, err, "InvalidGroup.NotFound")
	must[cloud.Group](w, "CreateSecurityGroup", cloud.CreateGroup{Name: "web"})
	if _, _, err := Ask[cloud.Group](context.Background(), w.c, "AuthorizeSecurityGroupIngress", caller, false, req); err != nil {
		t.Error(err)
	}
}

// A check of any verb writes nothing, and says what would be.
func TestCheckedVerbs(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	a := must[cloud.AddressAnswer](w, "AllocateAddress", cloud.AllocateAddress{}).Address.IP.String()
	path := filepath.Join(t.TempDir(), "img")
	if err := os.WriteFile(path, make([]byte, 1024), 0o644); err != nil {
		t.Fatal(err)
	}
	all := netip.MustParsePrefix("0.0.0.0/0")
	before, rev := w.export(), w.c.Store.Rev()
	kept, _ := os.ReadDir(w.c.Images.Dir)
	for _, test := range []struct {
		verb    string
		req     any
		touched string
	}{
		{"CreateUser", cloud.CreateUser{Name: "bob"}, ""},
		{"RegisterImage", cloud.RegisterImage{Path: path}, ""},
		{"DeregisterImage", cloud.DeregisterImage{ID: w.image}, ""},
		{"ImportKeyPair", cloud.ImportKeyPair{Name: "k", PublicKey: publicKey(t)}, ""},
		{"CreateSecurityGroup", cloud.CreateGroup{Name: "web"}, ""},
		{"AuthorizeSecurityGroupIngress", cloud.Authorize{Group: "default", Permissions: []cloud.Permission{{Protocol: "all", From: -1, To: -1, CIDR: all}}}, "fe1"},
		{"RunInstances", cloud.RunInstances{Image: w.image, Min: 1, Max: 1}, "fe1 n2"},
		{"RebootInstances", cloud.RebootInstances{IDs: []string{string(in.ID)}}, "n1"},
		{"TerminateInstances", cloud.TerminateInstances{IDs: []string{string(in.ID)}}, "fe1 n1"},
		{"AssociateAddress", cloud.AssociateAddress{IP: a, Instance: string(in.ID)}, "fe1"},
		{"ReleaseAddress", cloud.ReleaseAddress{IP: a}, ""},
		{"ModifyInstanceType", cloud.ModifyType{Name: "m1.small", Cores: 7}, ""},
		{"DeclareDead", cloud.DeclareDead{Host: "n2", Name: "n2", Why: "burnt"}, ""},
	} {
		_, a, err := Ask[json.RawMessage](context.Background(), w.c, test.verb, Caller{User: cloud.Admin, Token: "t"}, true, test.req)
		if err != nil {
			t.Errorf("%s: %v", test.verb, err)
		}
		if got := strings.Join(a.Touched, " "); got != test.touched || len(a.Plans) != len(a.Touched) {
			t.Errorf("%s would touch %q with %d plans, want %q", test.verb, got, len(a.Plans), test.touched)
		}
		if w.c.Store.Rev() != rev || w.export() != before {
			t.Fatalf("%s wrote something", test.verb)
		}
	}
	if now, _ := os.ReadDir(w.c.Images.Dir); len(now) != len(kept) {
		t.Error("the image was copied")
	}
	// The plans of a check can be checked on the hosts.
	_, answer, err := Ask[json.RawMessage](context.Background(), w.c, "RunInstances", admin, true, cloud.RunInstances{Image: w.image, Min: 1, Max: 1})
	if err != nil {
		t.Fatal(err)
	}
	r := w.reconcile(Reconcile{Hosts: answer.Touched, Check: true, Plans: answer.Plans})
	equal(t, "outcomes", outcomes(r), []string{"fe1: would", "n2: would"})
}

// A verb touches exactly the hosts that become something else.
func TestTouched(t *testing.T) {
	w := newWorld(t, twoNodes)
	must[cloud.Group](w, "CreateSecurityGroup", cloud.CreateGroup{Name: "idle"})
	rule := func(group string) cloud.Authorize {
		return cloud.Authorize{Group: group, Permissions: []cloud.Permission{{Protocol: "tcp", From: 22, To: 22, CIDR: netip.MustParsePrefix("0.0.0.0/0")}}}
	}
	for _, test := range []struct {
		verb string
		req  any
		want []string
	}{
		{"RunInstances", cloud.RunInstances{Image: w.image, Min: 2, Max: 2}, []string{"fe1", "n1", "n2"}},
		{"RunInstances", cloud.RunInstances{Image: w.image, Min: 1, Max: 1}, []string{"fe1", "n1"}},
		{"AuthorizeSecurityGroupIngress", rule("default"), []string{"fe1"}},
		{"AuthorizeSecurityGroupIngress", rule("idle"), nil},
		{"RevokeSecurityGroupIngress", cloud.Revoke(rule("default")), []string{"fe1"}},
		{"DescribeInstances", cloud.DescribeInstances{}, nil},
		{"DescribeAvailabilityZones", cloud.DescribeZones{}, nil},
		{"CreateUser", cloud.CreateUser{Name: "bob"}, nil},
	} {
		equal(t, test.verb, w.touched(test.verb, test.req), test.want)
	}
	first, second := w.c.Store.View().InstancesOn("n1")[0], w.c.Store.View().InstancesOn("n2")[0]
	a := must[cloud.AddressAnswer](w, "AllocateAddress", cloud.AllocateAddress{}).Address.IP.String()
	equal(t, "associate", w.touched("AssociateAddress", cloud.AssociateAddress{IP: a, Instance: string(first.ID)}), []string{"fe1"})
	equal(t, "move", w.touched("AssociateAddress", cloud.AssociateAddress{IP: a, Instance: string(second.ID)}), []string{"fe1"})
	equal(t, "terminate", w.touched("TerminateInstances", cloud.TerminateInstances{IDs: []string{string(second.ID)}}), []string{"fe1", "n2"})
}

// Ids are found in any case.
func TestIDsInAnyCase(t *testing.T) {
	w := newWorld(t, twoNodes)
	w.given.Store(0xabcd00)
	in := w.run(1)[0]
	up := strings.ToUpper(string(in.ID))
	if got := must[cloud.Reservations](w, "DescribeInstances", cloud.DescribeInstances{IDs: []string{up}}); got.Reservations[0].Instances[0].ID != in.ID {
		t.Errorf("%+v", got)
	}
	must[cloud.Images](w, "DescribeImages", cloud.DescribeImages{IDs: []string{strings.ToUpper(w.image)}})
	g := must[cloud.Group](w, "CreateSecurityGroup", cloud.CreateGroup{Name: "web"})
	if got := must[cloud.Groups](w, "DescribeSecurityGroups", cloud.DescribeGroups{Names: []string{strings.ToUpper(string(g.ID))}}); got.Groups[0].ID != g.ID {
		t.Errorf("%+v", got)
	}
	changes := must[cloud.StateChanges](w, "TerminateInstances", cloud.TerminateInstances{IDs: []string{up, string(in.ID)}})
	if len(changes.Changes) != 1 {
		t.Errorf("%+v", changes)
	}
}

// An image that was deregistered stays for those who run it, and goes with the last.
func TestDeregister(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	must[cloud.Empty](w, "DeregisterImage", cloud.DeregisterImage{ID: w.image})
	_, _, err := as[cloud.Reservation](w, cloud.Admin, "RunInstances", cloud.RunInstances{Image: w.image, Min: 1, Max: 1})
	refused(t, err, "InvalidAMIID.NotFound")
	w.reconcile(Reconcile{})
	if v := w.describe(in.ID); v.State != cloud.StateUp {
		t.Errorf("%+v", v)
	}
	files := func() int { names, _ := os.ReadDir(w.c.Images.Dir); return len(names) }
	w.end(in.ID)
	w.reconcile(Reconcile{})
	if files() != 1 {
		t.Error("the file went before the record")
	}
	w.now.Add(10 * 60)
	w.reconcile(Reconcile{})
	if len(w.c.Store.View().Images()) != 0 || files() != 0 {
		t.Errorf("%d records, %d files", len(w.c.Store.View().Images()), files())
	}
}

// Two images of the same content share a file, which goes with the last of them.
func TestImagesShareFiles(t *testing.T) {
	w := newWorld(t, twoNodes)
	again := w.register(t)
	must[cloud.Empty](w, "DeregisterImage", cloud.DeregisterImage{ID: w.image})
	w.reconcile(Reconcile{})
	i, ok := w.c.Store.View().Image(cloud.ImageID(again))
	if !ok {
		t.Fatal("the wrong image went")
	}
	f, err := w.c.Images.Open(i.Sum)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// Users see their own; the admin sees all with All.
func TestWhoSeesWhat(t *testing.T) {
	w := newWorld(t, twoNodes)
	must[cloud.User](w, "CreateUser", cloud.CreateUser{Name: "bob"})
	mine := w.run(1)[0]
	r, _, err := as[cloud.Reservation](w, "bob", "RunInstances", cloud.RunInstances{Image: w.image, Min: 1, Max: 1})
	if err != nil {
		t.Fatal(err)
	}
	his := r.Instances[0]
	if his.Host != "" || mine.Host == "" {
		t.Errorf("hosts: %q of bob's, %q of the admin's", his.Host, mine.Host)
	}
	count := func(user string, all bool) (n int) {
		list, _, err := as[cloud.Reservations](w, user, "DescribeInstances", cloud.DescribeInstances{All: all})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.Reservations {
			n += len(r.Instances)
		}
		return n
	}
	equal(t, "counts", []int{count("bob", false), count("bob", true), count("admin", false), count("admin", true)}, []int{1, 1, 1, 2})
	private := must[cloud.Image](w, "RegisterImage", cloud.RegisterImage{Path: w.c.Images.Dir + "/" + imageSum(w), Private: true})
	images, _, err := as[cloud.Images](w, "bob", "DescribeImages", cloud.DescribeImages{})
	if err != nil || len(images.Images) != 1 {
		t.Errorf("%+v, %v", images, err)
	}
	_, _, err = as[cloud.Reservation](w, "bob", "RunInstances", cloud.RunInstances{Image: string(private.ID), Min: 1, Max: 1})
	refused(t, err, "InvalidAMIID.NotFound")
}

func imageSum(w *world) string {
	i, _ := w.c.Store.View().Image(cloud.ImageID(w.image))
	return i.Sum
}

// Lists are never null: scripts walk them.
func TestEmptyLists(t *testing.T) {
	w := newWorld(t, twoNodes)
	must[cloud.Empty](w, "DeregisterImage", cloud.DeregisterImage{ID: w.image})
	for _, verb := range Verbs() {
		if !strings.HasPrefix(verb, "Describe") {
			continue
		}
		_, a, err := as[json.RawMessage](w, cloud.Admin, verb, struct{}{})
		if err != nil || strings.Contains(string(a.Body), "null") {
			t.Errorf("%s: %s, %v", verb, a.Body, err)
		}
	}
}

// The journal says who did what.
func TestJournal(t *testing.T) {
	w := newWorld(t, twoNodes)
	from := w.c.Store.Rev() + 1
	must[cloud.User](w, "CreateUser", cloud.CreateUser{Name: "bob"})
	if _, _, err := as[cloud.Group](w, "bob", "CreateSecurityGroup", cloud.CreateGroup{Name: "web"}); err != nil {
		t.Fatal(err)
	}
	list, err := w.c.Log(context.Background(), from, 0)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range list {
		lines = append(lines, fmt.Sprintf("%s %s %d", e.Actor, e.Verb, len(e.Deltas)))
	}
	equal(t, "journal", lines, []string{"admin CreateUser 2", "bob CreateSecurityGroup 1"})
	none, err := w.c.Log(context.Background(), from+100, 0)
	if err != nil || none == nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}
