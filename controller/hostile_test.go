package controller

import (
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"eucactl/cloud"
)

// Names as odd as they may be, and user data that is nothing but traps, reach hosts
// exactly or not at all: the programs are plain sh, and each argument is one word.
func TestHostileNamesOnHosts(t *testing.T) {
	w := newWorld(t, twoNodes)
	traps := "$(reboot) `reboot` '; reboot #\n{{ 7*7 }}\n]]>\nEOF\n@0123456789abcdef done\n\x00\xff"
	key := publicKey(t)
	chains := map[string]bool{}
	for user, groups := range map[string][]string{
		"DOCKER": {"USER", "-j"}, "EUCA": {"FORWARD", "g-0123456789abcdef"}, "...": {"--help", ".."}, strings.Repeat("u", 64): {strings.Repeat("g", 255), "a"}, "_": {"-", "--"}, "KUBE": {"SERVICES"},
		"odd": {"ad min", "日本-web", "a;b", "$(reboot) `reboot` '\"\\", "]]> {{ 7*7 }} # -j ACCEPT"},
	} {
		must[cloud.User](w, "CreateUser", cloud.CreateUser{Name: user})
		for _, name := range groups {
			ask := func(verb string, req any) {
				if _, _, err := as[any](w, user, verb, req); err != nil {
					t.Fatalf("%s %s %q: %v", user, verb, name, err)
				}
			}
			ask("CreateSecurityGroup", cloud.CreateGroup{Name: name, Description: "$(reboot) '\" {{ 7*7 }} <x>"})
			ask("AuthorizeSecurityGroupIngress", cloud.Authorize{Group: name, Permissions: []cloud.Permission{
				{Protocol: "tcp", From: 0, To: 65535, CIDR: netip.MustParsePrefix("0.0.0.0/0")}, {Protocol: "icmp", From: -1, To: -1, Source: cloud.GroupRef{User: user, Name: name}},
			}})
			keyName := fmt.Sprintf("k %d", len(chains))
			ask("ImportKeyPair", cloud.ImportKeyPair{Name: keyName, PublicKey: key})
			ask("RunInstances", cloud.RunInstances{
				Image: w.image, Min: 1, Max: 1, Groups: []string{name}, Key: keyName, UserData: []byte(traps), Private: true,
			})
			g, _ := w.c.Store.View().GroupNamed(user, name)
			if len(g.Chain) > 28 || chains[g.Chain] || strings.HasPrefix(g.Chain, "DOCKER") {
				t.Errorf("%s/%s has the chain %s", user, name, g.Chain)
			}
			chains[g.Chain] = true
		}
	}
	if r := w.reconcile(Reconcile{Follow: true}); r.ExitCode() != 0 {
		t.Errorf("%+v", r)
	}
	for _, in := range w.c.Store.View().Instances() {
		seed := w.hosts[in.Host].files["/var/lib/eucactl/host/incoming/"+map[string]string{"n1": "ops", "n2": "root"}[in.Host]+"/"+in.SeedSum]
		if !strings.Contains(string(seed), traps) {
			t.Errorf("%s does not get its user data", in.ID)
		}
	}
	for name, h := range w.hosts {
		program := h.programs[len(h.programs)-1]
		for _, shell := range [][]string{{"dash", "-n"}, {"bash", "-n"}, {"busybox", "sh", "-n"}} {
			c := exec.Command(shell[0], shell[1:]...)
			c.Stdin = strings.NewReader(program)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%s of %s: %v\n%s", shell[0], name, err, out)
			}
		}
		if strings.Contains(program, "reboot)") || strings.Contains(program, "7*7") {
			t.Errorf("a trap is in the program of %s", name)
		}
	}
}
