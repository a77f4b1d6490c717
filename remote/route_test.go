package remote

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func configured(t *testing.T, user, system string) *Dialer {
	t.Helper()
	dir := t.TempDir()
	d := &Dialer{User: "me", Home: "/home/me", Agent: "/agent", KnownHosts: "/ours", MoreKnownHosts: []string{"/home/me/.ssh/known_hosts"},
		KeyFiles: []string{"/home/me/.ssh/id_ed25519"}, SSHConfig: []string{filepath.Join(dir, "user"), filepath.Join(dir, "system"), "/nonexistent"}}
	check(t, os.WriteFile(d.SSHConfig[0], []byte(user), 0o600))
	check(t, os.WriteFile(d.SSHConfig[1], []byte(system), 0o600))
	return d
}

func TestRoute(t *testing.T) {
	base := hop{name: "fe1", host: "10.0.0.1", address: "10.0.0.1:22", pin: "10.0.0.1:22", user: "me", agent: "/agent", defaults: true,
		keyFiles: []string{"/home/me/.ssh/id_ed25519"}, knownHosts: []string{"/ours", "/home/me/.ssh/known_hosts"}, timeout: 10 * time.Second}
	with := func(change func(*hop)) []hop { h := base; change(&h); return []hop{h} }
	fe1 := Target{Name: "fe1", Address: "10.0.0.1"}
	for _, tc := range []struct {
		name         string
		user, system string
		target       Target
		want         []hop
		err          string
	}{
		{name: "nothing", target: fe1, want: []hop{base}},
		{name: "inventory first", user: "Host *\n Port 2\n User cfg\n HostName 10.9.9.9\n IdentityFile ~/%r_key",
			target: Target{Name: "fe1", Address: "10.0.0.1", Port: 3, User: "inv", KeyFiles: []string{"~/k"}, ConnectTimeout: time.Minute},
			want: with(func(h *hop) {
				h.user, h.host, h.address, h.pin = "inv", "10.9.9.9", "10.9.9.9:3", "10.9.9.9:3"
				h.keyFiles, h.defaults, h.timeout = []string{"/home/me/k", "/home/me/inv_key"}, false, time.Minute
			})},
		{name: "user file first", user: "Host fe1\n Port 2\n IdentityAgent none", system: "Host *\n Port 9\n User sys\n HostName %h.example",
			target: Target{Name: "fe1"},
			want: with(func(h *hop) {
				h.host, h.address, h.pin, h.user, h.agent = "fe1.example", "fe1.example:2", "fe1.example:2", "sys", ""
			})},
		{name: "known hosts, alias, only files", target: fe1,
			user: "Host 10.0.0.1\n HostKeyAlias cloud-%n\n IdentitiesOnly yes\n UserKnownHostsFile ~/kh /dev/null\n GlobalKnownHostsFile /g",
			want: with(func(h *hop) {
				h.pin, h.onlyFiles = "cloud-10.0.0.1:22", true
				h.knownHosts = []string{"/ours", "/home/me/kh", "/g", "/home/me/.ssh/known_hosts"}
			})},
		{name: "inventory's alias", target: Target{Name: "fe1", Address: "10.0.0.1", HostKeyAlias: "a", Port: 99},
			want: with(func(h *hop) { h.address, h.pin = "10.0.0.1:99", "a:22" })},
		{name: "IPv6", target: Target{Name: "fe1", Address: "fd00::1"},
			want: with(func(h *hop) { h.host, h.address, h.pin = "fd00::1", "[fd00::1]:22", "[fd00::1]:22" })},
		{name: "jumps", target: fe1, user: "Host 10.0.0.1\n ProxyJump ops@b1:2222,b2\nHost b1\n ProxyJump b0\n",
			want: []hop{
				jumpHop(base, "b0", "b0:22", "me"), jumpHop(base, "b1", "b1:2222", "ops"), jumpHop(base, "b2", "b2:22", "me"), base}},
		{name: "no jump", target: fe1, user: "Host 10.0.0.1\n ProxyJump none\nHost *\n ProxyJump b", want: []hop{base}},
		{name: "circle", target: fe1, user: "Host *\n ProxyJump b", err: "too many jump hosts"},
		{name: "command", target: fe1, user: "Host *\n ProxyCommand nc %h %p", err: "use ProxyJump"},
		{name: "port", target: fe1, user: "Host *\n Port ssh", err: `port "ssh"`},
		{name: "port range", target: Target{Name: "x", Port: 70000}, err: `port "70000"`},
		{name: "no name", target: Target{}, err: "set ansible_host"},
		{name: "match exec", target: fe1, user: "Match exec true\n User x", err: "Match Exec is not supported"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := configured(t, tc.user, tc.system).route(tc.target)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("got %v, want %q", err, tc.err)
				}
				return
			}
			check(t, err)
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(hop{})); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func jumpHop(base hop, host, address, user string) hop {
	base.name, base.host, base.address, base.pin, base.user, base.jump = host, host, address, address, user, true
	return base
}

func TestThroughAJumpHost(t *testing.T) {
	bastion, inner := startServer(t, nil), startServer(t, nil)
	d := newDialer(t, bastion.host.line(bastion.addr))
	config := filepath.Join(t.TempDir(), "config")
	check(t, os.WriteFile(config, []byte(fmt.Sprintf("Host inner\n HostName 127.0.0.1\n ProxyJump %s\nHost 127.0.0.1\n IdentityFile %s\n",
		bastion.addr, bastion.user.file)), 0o600))
	d.SSHConfig = []string{config}
	target := inner.target()
	target.Address = "inner"
	check(t, d.Enrol(must(d.Scan(soon(t), target))(t)))
	c := must(d.Dial(soon(t), target))(t)
	s := run(t, c, "echo inside; exit\n")
	b := make([]byte, 6)
	must(s.Read(b))(t)
	check(t, s.Wait())
	check(t, c.Close())
	if string(b) != "inside" || inner.execs.Load() != 1 || bastion.execs.Load() != 0 {
		t.Fatalf("%q, %d and %d execs", b, inner.execs.Load(), bastion.execs.Load())
	}

	unknown := newDialer(t)
	unknown.SSHConfig = d.SSHConfig
	err := dialed(t, unknown, target)
	if err == nil || !strings.Contains(err.Error(), "enrol it with: ssh 127.0.0.1") {
		t.Fatalf("unknown jump host: %v", err)
	}
}
