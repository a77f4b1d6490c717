package controller

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eucactl/cloud"
)

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
		{"admin", "CreateSecurityGroup", cloud.CreateGroup{Name: " a"}, "InvalidParameterValue"},
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
		{"admin", "TakeOver", cloud.TakeOver{Host: "n1"}, "InvalidState"},
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
