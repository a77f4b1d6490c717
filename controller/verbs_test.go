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
		{"TakeOver", cloud.TakeOver{Host: "n1"}, ""},
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

// Each verb refuses in EC2's words. Nothing refused leaves a trace.
func TestRefusals(t *testing.T) {
	w := newWorld(t, twoNodes)
	must[cloud.User](w, "CreateUser", cloud.CreateUser{Name: "bob"})
	must[cloud.KeyPair](w, "ImportKeyPair", cloud.ImportKeyPair{Name: "k", PublicKey: publicKey(t)})
	in := w.run(1)[0]
	ended := w.run(1)[0]
	w.end(ended.ID)
	w.reconcile(Reconcile{})
	a := must[cloud.AddressAnswer](w, "AllocateAddress", cloud.AllocateAddress{}).Address.IP.String()
	id, all := string(in.ID), netip.MustParsePrefix("0.0.0.0/0")
	path := filepath.Join(t.TempDir(), "img")
	if err := os.WriteFile(path, make([]byte, 1000), 0o644); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(t.TempDir(), "good")
	if err := os.WriteFile(good, make([]byte, 1024), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(edit func(*cloud.RunInstances)) cloud.RunInstances {
		r := cloud.RunInstances{Image: w.image, Min: 1, Max: 1}
		edit(&r)
		return r
	}
	rule := func(p cloud.Permission) cloud.Authorize {
		if !p.CIDR.IsValid() && p.Source == (cloud.GroupRef{}) {
			p.CIDR = all
		}
		return cloud.Authorize{Group: "default", Permissions: []cloud.Permission{p}}
	}
	rev, kept := w.c.Store.Rev(), 0
	if names, err := os.ReadDir(w.c.Images.Dir); err == nil {
		kept = len(names)
	}
	for _, test := range []struct {
		user, verb string
		req        any
		want       string
	}{
		{"nobody", "DescribeInstances", cloud.DescribeInstances{}, "AuthFailure"},
		{"", "DescribeInstances", cloud.DescribeInstances{}, "AuthFailure"},
		{"nobody", "CreateSecurityGroup", cloud.CreateGroup{Name: "g"}, "AuthFailure"},
		{"admin", "MakeCoffee", struct{}{}, "InvalidAction"},
		{"admin", "RunInstances", "not an object", "MalformedQueryString"},

		{"bob", "CreateUser", cloud.CreateUser{Name: "eve"}, "AuthFailure"},
		{"admin", "CreateUser", cloud.CreateUser{Name: "bob"}, "EntityAlreadyExists"},
		{"admin", "CreateUser", cloud.CreateUser{Name: "a-b"}, "InvalidParameterValue"},
		{"admin", "CreateUser", cloud.CreateUser{Name: ".."}, "InvalidParameterValue"},
		{"admin", "CreateUser", cloud.CreateUser{Name: "$(reboot)"}, "InvalidParameterValue"},
		{"admin", "CreateUser", cloud.CreateUser{Name: "a\n"}, "InvalidParameterValue"},

		{"admin", "RegisterImage", cloud.RegisterImage{Path: path}, "InvalidManifest"},
		{"admin", "RegisterImage", cloud.RegisterImage{Path: "/nowhere"}, "InvalidManifest"},
		{"admin", "RegisterImage", cloud.RegisterImage{Path: good, Type: "cdrom"}, "InvalidParameterValue"},
		{"admin", "RegisterImage", cloud.RegisterImage{Path: good, Kernel: "eki-ffffffff"}, "InvalidAMIID.NotFound"},
		{"admin", "RegisterImage", cloud.RegisterImage{Path: good, Kernel: w.image}, "InvalidAMIID.Malformed"},
		{"admin", "RegisterImage", cloud.RegisterImage{Path: good, Type: "kernel", Kernel: "eki-ffffffff"}, "InvalidParameterCombination"},
		{"admin", "RegisterImage", cloud.RegisterImage{Path: good, Name: strings.Repeat("n", 256)}, "InvalidParameterValue"},
		{"admin", "RegisterImage", cloud.RegisterImage{Path: good, Name: "a\nb"}, "InvalidParameterValue"},
		{"admin", "RegisterImage", cloud.RegisterImage{Path: good, Arch: "\x1b[2J"}, "InvalidParameterValue"},
		{"nobody", "RegisterImage", cloud.RegisterImage{Path: good}, "AuthFailure"},
		{"admin", "DeregisterImage", cloud.DeregisterImage{ID: "emi-ffffffff"}, "InvalidAMIID.NotFound"},
		{"admin", "DeregisterImage", cloud.DeregisterImage{ID: "tiny"}, "InvalidAMIID.Malformed"},
		{"bob", "DeregisterImage", cloud.DeregisterImage{ID: w.image}, "AuthFailure"},
		{"admin", "DescribeImages", cloud.DescribeImages{IDs: []string{"emi-ffffffff"}}, "InvalidAMIID.NotFound"},

		{"admin", "ImportKeyPair", cloud.ImportKeyPair{Name: "k", PublicKey: publicKey(t)}, "InvalidKeyPair.Duplicate"},
		{"admin", "ImportKeyPair", cloud.ImportKeyPair{Name: "k2", PublicKey: "rubbish"}, "InvalidKey.Format"},
		{"admin", "ImportKeyPair", cloud.ImportKeyPair{Name: "k2", PublicKey: "-----BEGIN OPENSSH PRIVATE KEY-----"}, "InvalidKey.Format"},
		{"admin", "ImportKeyPair", cloud.ImportKeyPair{Name: "k2", PublicKey: publicKey(t) + publicKey(t)}, "InvalidKey.Format"},
		{"admin", "ImportKeyPair", cloud.ImportKeyPair{Name: "k2", PublicKey: `command="reboot" ` + publicKey(t)}, "InvalidKey.Format"},
		{"admin", "ImportKeyPair", cloud.ImportKeyPair{Name: "a/b", PublicKey: publicKey(t)}, "InvalidParameterValue"},
		{"admin", "ImportKeyPair", cloud.ImportKeyPair{Name: "$(reboot)", PublicKey: publicKey(t)}, "InvalidParameterValue"},
		{"admin", "ImportKeyPair", cloud.ImportKeyPair{Name: "k\n", PublicKey: publicKey(t)}, "InvalidParameterValue"},
		{"admin", "ImportKeyPair", cloud.ImportKeyPair{Name: strings.Repeat("k", 300), PublicKey: publicKey(t)}, "InvalidParameterValue"},
		{"bob", "DescribeKeyPairs", cloud.DescribeKeyPairs{Names: []string{"k"}}, "InvalidKeyPair.NotFound"},

		{"admin", "CreateSecurityGroup", cloud.CreateGroup{Name: "default"}, "InvalidGroup.Duplicate"},
		{"admin", "CreateSecurityGroup", cloud.CreateGroup{Name: ""}, "InvalidParameterValue"},
		{"admin", "CreateSecurityGroup", cloud.CreateGroup{Name: "sg-12345678"}, "InvalidParameterValue"},
		{"admin", "CreateSecurityGroup", cloud.CreateGroup{Name: "SG-12345678"}, "InvalidParameterValue"},
		{"admin", "CreateSecurityGroup", cloud.CreateGroup{Name: "$(reboot)"}, "InvalidParameterValue"},
		{"admin", "CreateSecurityGroup", cloud.CreateGroup{Name: "{{ 7*7 }}"}, "InvalidParameterValue"},
		{"admin", "CreateSecurityGroup", cloud.CreateGroup{Name: "a\nb"}, "InvalidParameterValue"},
		{"admin", "CreateSecurityGroup", cloud.CreateGroup{Name: strings.Repeat("g", 300)}, "InvalidParameterValue"},
		{"admin", "CreateSecurityGroup", cloud.CreateGroup{Name: "g", Description: strings.Repeat("d", 256)}, "InvalidParameterValue"},
		{"admin", "CreateSecurityGroup", cloud.CreateGroup{Name: "g", Description: "a\nb"}, "InvalidParameterValue"},
		{"admin", "DeleteSecurityGroup", cloud.DeleteGroup{Name: "none"}, "InvalidGroup.NotFound"},
		{"admin", "DeleteSecurityGroup", cloud.DeleteGroup{Name: "default"}, "InvalidGroup.Reserved"},
		{"bob", "DescribeSecurityGroups", cloud.DescribeGroups{Names: []string{"none"}}, "InvalidGroup.NotFound"},

		{"admin", "AuthorizeSecurityGroupIngress", cloud.Authorize{Group: "none"}, "InvalidGroup.NotFound"},
		{"admin", "AuthorizeSecurityGroupIngress", rule(cloud.Permission{Protocol: "tcp", From: 23, To: 22}), "InvalidParameterValue"},
		{"admin", "AuthorizeSecurityGroupIngress", rule(cloud.Permission{Protocol: "tcp", From: -1, To: 22}), "InvalidParameterValue"},
		{"admin", "AuthorizeSecurityGroupIngress", rule(cloud.Permission{Protocol: "udp", From: 1, To: 65536}), "InvalidParameterValue"},
		{"admin", "AuthorizeSecurityGroupIngress", rule(cloud.Permission{Protocol: "icmp", From: 256, To: -1}), "InvalidParameterValue"},
		{"admin", "AuthorizeSecurityGroupIngress", rule(cloud.Permission{Protocol: "icmp", From: -1, To: 4}), "InvalidParameterValue"},
		{"admin", "AuthorizeSecurityGroupIngress", rule(cloud.Permission{Protocol: "all", From: 1, To: 2}), "InvalidParameterValue"},
		{"admin", "AuthorizeSecurityGroupIngress", rule(cloud.Permission{Protocol: "gre", From: -1, To: -1}), "InvalidParameterValue"},
		{"admin", "AuthorizeSecurityGroupIngress", rule(cloud.Permission{Protocol: "tcp", From: 22, To: 22, CIDR: netip.MustParsePrefix("2001:db8::/32")}), "InvalidParameterValue"},
		{"admin", "AuthorizeSecurityGroupIngress", rule(cloud.Permission{Protocol: "tcp", From: 22, To: 22, CIDR: all, Source: cloud.GroupRef{User: "admin", Name: "default"}}), "InvalidParameterCombination"},
		{"admin", "AuthorizeSecurityGroupIngress", rule(cloud.Permission{Protocol: "tcp", From: 22, To: 22, Source: cloud.GroupRef{User: "bob", Name: "none"}}), "InvalidGroup.NotFound"},
		{"admin", "RevokeSecurityGroupIngress", cloud.Revoke(rule(cloud.Permission{Protocol: "tcp", From: 22, To: 22})), "InvalidPermission.NotFound"},

		{"admin", "RunInstances", run(func(r *cloud.RunInstances) { r.Image = "emi-ffffffff" }), "InvalidAMIID.NotFound"},
		{"admin", "RunInstances", run(func(r *cloud.RunInstances) { r.Image = "i-00000001" }), "InvalidAMIID.Malformed"},
		{"admin", "RunInstances", run(func(r *cloud.RunInstances) { r.Image = "emi-1" }), "InvalidAMIID.Malformed"},
		{"admin", "RunInstances", run(func(r *cloud.RunInstances) { r.Min = 0 }), "InvalidParameterValue"},
		{"admin", "RunInstances", run(func(r *cloud.RunInstances) { r.Min = 2 }), "InvalidParameterValue"},
		{"admin", "RunInstances", run(func(r *cloud.RunInstances) { r.Max = 1001 }), "InvalidParameterValue"},
		{"admin", "RunInstances", run(func(r *cloud.RunInstances) { r.Min, r.Max, r.Private = 28, 28, true }), "InsufficientInstanceCapacity"},
		{"admin", "RunInstances", run(func(r *cloud.RunInstances) { r.Key = "none" }), "InvalidKeyPair.NotFound"},
		{"bob", "RunInstances", run(func(r *cloud.RunInstances) { r.Key = "k" }), "InvalidKeyPair.NotFound"},
		{"admin", "RunInstances", run(func(r *cloud.RunInstances) { r.Groups = []string{"default", "none"} }), "InvalidGroup.NotFound"},
		{"admin", "RunInstances", run(func(r *cloud.RunInstances) { r.Type = "m9.huge" }), "InvalidParameterValue"},
		{"admin", "RunInstances", run(func(r *cloud.RunInstances) { r.Zone = "none" }), "InvalidParameterValue"},
		{"admin", "RunInstances", run(func(r *cloud.RunInstances) { r.Kernel = "eki-ffffffff" }), "InvalidAMIID.NotFound"},
		{"admin", "RunInstances", run(func(r *cloud.RunInstances) { r.UserData = make([]byte, 16<<10+1) }), "InvalidParameterValue"},
		{"bob", "RebootInstances", cloud.RebootInstances{IDs: []string{id}}, "InvalidInstanceID.NotFound"},
		{"admin", "RebootInstances", cloud.RebootInstances{IDs: []string{string(ended.ID)}}, "IncorrectInstanceState"},
		{"admin", "RebootInstances", cloud.RebootInstances{}, "MissingParameter"},
		{"admin", "TerminateInstances", cloud.TerminateInstances{IDs: []string{id, "i-ffffffff"}}, "InvalidInstanceID.NotFound"},
		{"admin", "TerminateInstances", cloud.TerminateInstances{IDs: []string{"i-1; reboot"}}, "InvalidInstanceID.Malformed"},
		{"admin", "DescribeInstances", cloud.DescribeInstances{IDs: []string{"emi-00000001"}}, "InvalidInstanceID.Malformed"},

		{"bob", "AssociateAddress", cloud.AssociateAddress{IP: a, Instance: id}, "InvalidAddress.NotFound"},
		{"admin", "AssociateAddress", cloud.AssociateAddress{IP: "203.0.113.99", Instance: id}, "InvalidAddress.NotFound"},
		{"admin", "AssociateAddress", cloud.AssociateAddress{IP: in.Public.String(), Instance: id}, "InvalidAddress.NotFound"},
		{"admin", "AssociateAddress", cloud.AssociateAddress{IP: "not an address", Instance: id}, "InvalidParameterValue"},
		{"admin", "AssociateAddress", cloud.AssociateAddress{IP: a, Instance: string(ended.ID)}, "IncorrectInstanceState"},
		{"admin", "AssociateAddress", cloud.AssociateAddress{IP: a, Instance: "i-ffffffff"}, "InvalidInstanceID.NotFound"},
		{"admin", "DisassociateAddress", cloud.DisassociateAddress{IP: "203.0.113.99"}, "InvalidAddress.NotFound"},
		{"admin", "ReleaseAddress", cloud.ReleaseAddress{IP: "::1"}, "InvalidAddress.NotFound"},
		{"admin", "DescribeAddresses", cloud.DescribeAddresses{IPs: []string{"203.0.113.99"}}, "InvalidAddress.NotFound"},

		{"admin", "DescribeAvailabilityZones", cloud.DescribeZones{Names: []string{"none"}}, "InvalidParameterValue"},
		{"bob", "ModifyInstanceType", cloud.ModifyType{Name: "m1.small", Cores: 2}, "AuthFailure"},
		{"admin", "ModifyInstanceType", cloud.ModifyType{Name: "m1.small", Cores: -2}, "InvalidParameterValue"},
		{"admin", "ModifyInstanceType", cloud.ModifyType{Name: "m1.small", Disk: 1 << 30}, "InvalidParameterValue"},
		{"admin", "ModifyInstanceType", cloud.ModifyType{Name: "m1.small"}, "MissingParameter"},
		{"admin", "ModifyInstanceType", cloud.ModifyType{Name: "none", Cores: 2}, "InvalidParameterValue"},
		{"bob", "TakeOver", cloud.TakeOver{Host: "n1"}, "AuthFailure"},
	} {
		if _, _, err := as[json.RawMessage](w, test.user, test.verb, test.req); code(err) != test.want {
			t.Errorf("%s %s %+v: %v, want %s", test.user, test.verb, test.req, err, test.want)
		}
		if w.c.Store.Rev() != rev {
			t.Fatalf("%s %+v left something", test.verb, test.req)
		}
	}
	if names, _ := os.ReadDir(w.c.Images.Dir); len(names) != kept {
		t.Errorf("refused images were kept: %v", names)
	}
}

// A group in use, by anything, cannot be deleted.
func TestDeleteGroup(t *testing.T) {
	w := newWorld(t, twoNodes)
	must[cloud.User](w, "CreateUser", cloud.CreateUser{Name: "bob"})
	for _, name := range []string{"web", "db", "self"} {
		must[cloud.Group](w, "CreateSecurityGroup", cloud.CreateGroup{Name: name})
	}
	from := func(group, source string) cloud.Authorize {
		return cloud.Authorize{Group: group, Permissions: []cloud.Permission{{Protocol: "all", From: -1, To: -1, Source: cloud.GroupRef{User: "admin", Name: source}}}}
	}
	must[cloud.Group](w, "AuthorizeSecurityGroupIngress", from("db", "web"))
	must[cloud.Group](w, "AuthorizeSecurityGroupIngress", from("self", "self"))
	in := w.run(1, "db")[0]
	remove := func(name string) error {
		_, _, err := as[cloud.Empty](w, cloud.Admin, "DeleteSecurityGroup", cloud.DeleteGroup{Name: name})
		return err
	}
	refused(t, remove("db"), "InvalidGroup.InUse")
	refused(t, remove("web"), "InvalidGroup.InUse")
	w.end(in.ID)
	refused(t, remove("db"), "InvalidGroup.InUse")
	w.reconcile(Reconcile{})
	if err := remove("self"); err != nil {
		t.Error(err)
	}
	if err := remove("db"); err != nil {
		t.Error(err)
	}
	if err := remove("web"); err != nil {
		t.Error(err)
	}
	if v := w.describe(in.ID); len(v.Groups) != 1 || !strings.HasPrefix(v.Groups[0], "sg-") {
		t.Errorf("%+v", v) // its group's name is gone with it
	}
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
