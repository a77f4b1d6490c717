package tasks

import (
	"fmt"
	"strings"
	"testing"

	"eucactl/e2e/lab"
)

// demod is a daemon that reads two files, and both ways to start it.
const demod = `mkdir -p /etc/demo /etc/systemd/system
cat >/usr/local/demod <<'E'
#!/bin/dash
grep -q good /etc/demo/a || { echo 'demod: bad configuration'; exit 1; }
cat /etc/demo/a /etc/demo/b >/run/demo.read
sleep 100000 </dev/null >/dev/null 2>&1 &
until grep -q sleep /proc/$!/comm; do :; done
echo $! >/run/demo.pid
E
cat >/etc/systemd/system/demo.service <<'E'
[Unit]
DefaultDependencies=no
[Service]
Type=forking
PIDFile=/run/demo.pid
ExecStart=/usr/local/demod
E
cat >/etc/init.d/demo <<'E'
#!/bin/dash
PATH=/usr/sbin:/usr/bin
p=/run/demo.pid
case $1 in
start) start-stop-daemon --start --quiet --oknodo --pidfile $p --startas /usr/local/demod ;;
stop) start-stop-daemon --stop --quiet --oknodo --retry 5 --pidfile $p --remove-pidfile ;;
restart) $0 stop && $0 start ;;
status) start-stop-daemon --status --pidfile $p ;;
*) exit 3 ;;
esac
E
chmod +x /usr/local/demod /etc/init.d/demo
`

// demoRuns lists the daemons and counts them in n.
const demoRuns = `n=0; for p in $(pidof sleep); do case $(tr '\0' ' ' <"/proc/$p/cmdline") in *100000*) n=$((n + 1)); echo $p ;; esac; done`

// inits are the two sorts of init that a service may be of.
var inits = []struct {
	name, start, stop, tool, dead string
	systemd                       bool
}{
	{"systemd", `systemctl start demo`, `systemctl stop demo; systemctl reset-failed demo 2>/dev/null || :`, "/usr/bin/systemctl",
		`mv /run/systemd/private /run/systemd/away`, true},
	{"script", `service demo start`, `service demo stop`, "/usr/sbin/service",
		`printf '#!/bin/dash\n# status\nexit 4\n' >/etc/init.d/demo`, false},
}

// TestService tries it under every shell with both sorts of init.
func TestService(t *testing.T) {
	for _, init := range inits {
		t.Run(init.name, func(t *testing.T) {
			t.Parallel()
			underEach(t, func(t *testing.T, sh shell) {
				h := kindHostIn(openLab(t, lab.Options{Systemd: init.systemd}), t, sh)
				h.do(demod)
				if init.systemd {
					h.do(`systemctl daemon-reload`)
				}
				bare := `[ ! -e /run/systemd/away ] || mv /run/systemd/away /run/systemd/private
` + init.stop + `
for p in $(` + demoRuns + `); do kill -9 $p; done; rm -rf /run/demo.* /var/lib/eucactl
echo good >/etc/demo/a; echo two >/etc/demo/b`
				count := strings.Replace(demoRuns, "; echo $p", "", 1)
				h.try(kindTry{
					kindCall: kindCall{"service", "name", "demo", "config", []any{"/etc/demo/a", "/etc/demo/b"}},
					bare:     bare,
					states: []kindState{
						{"stopped", ``},
						{"started by somebody", init.start},
						{"started before", `echo old >/etc/demo/b
` + init.start + `
echo two >/etc/demo/b`},
					},
					proof: count + `; echo $n; cat /etc/demo/*; ls /var/lib/eucactl/host/services 2>/dev/null || :`,
					tools: []string{init.tool},
					dead:  init.dead,
				})
				h.do(demod + bare)
				h.try(kindTry{
					kindCall: kindCall{"service", "name", "demo", "state", "stopped"},
					bare:     bare,
					states:   []kindState{{"running", init.start}},
					proof:    demoRuns,
					tools:    []string{init.tool},
				})
				serviceLives(h, bare)
			})
		})
	}
}

// serviceLives follows one service.
func serviceLives(h *kindHost, bare string) {
	h.t.Helper()
	h.do(bare)
	is := func() string { h.t.Helper(); return h.do(demoRuns) }
	one := func(named ...any) kindCall { return append(kindCall{"service", "name", "demo"}, named...) }
	plain, strict := one("state", "started"), one("config", "/etc/demo/a")

	h.wants(plain, kindApply, Changed)
	first := is()
	h.wants(plain, kindApply, OK)
	h.do(`echo good, new >/etc/demo/a`)
	h.wants(plain, kindApply, OK) // it named no files
	if is() != first || first == "" {
		h.t.Fatalf("was %q is %q", first, is())
	}
	h.wants(strict, kindApply, Changed)
	second := is()
	if second == first || strings.Count(second, "\n") != 1 || h.do(`cat /run/demo.read`) != "good, new\ntwo\n" {
		h.t.Fatalf("was %q is %q", first, second)
	}
	// A daemon must hold neither the lock nor the stream of the run that started it.
	if held := h.do(`ls -l /proc/$0/fd | grep -c -e eucactl.lock || :`, strings.TrimSpace(second)); held != "0\n" {
		h.t.Fatal("the daemon has the lock open")
	}
	h.do(`echo better not >/etc/demo/a; echo good >>/etc/demo/b`)
	if w := h.wants(strict, kindApply, Failed); !strings.Contains(w, "service: ") {
		h.t.Errorf("no words of a daemon that does not start: %s", w)
	}
	h.wants(strict, kindCheck, Would)
	h.do(`echo good again >/etc/demo/a`)
	h.wants(strict, kindApply, Changed)
	h.wants(one("state", "stopped"), kindApply, Changed)
	h.wants(one("state", "stopped"), kindApply, OK)
	if is() != "" {
		h.t.Fatal("it runs on: ", is())
	}
}

func TestServiceRefuses(t *testing.T) {
	for _, init := range inits {
		t.Run(init.name, func(t *testing.T) {
			t.Parallel()
			h := kindHostIn(openLab(t, lab.Options{Systemd: init.systemd}), t, shells[0])
			h.do(demod)
			if init.systemd {
				h.do(`systemctl daemon-reload`)
			}
			h.do(`echo good >/etc/demo/a`)
			for _, c := range []struct {
				words string
				named []any
			}{
				{"is it installed?", []any{"name", "nosuch", "state", "started"}},
				{"is it installed?", []any{"name", "nosuch", "state", "stopped"}},
				{"bad name", []any{"name", "-H", "state", "started"}},
				{"bad name", []any{"name", "../demo", "state", "started"}},
				{"bad name", []any{"name", "demo;reboot", "state", "started"}},
				{"bad name", []any{"name", "demo ssh", "state", "started"}},
				{"state is started, stopped", []any{"name", "demo", "state", "up"}},
				{"give state or enabled", []any{"name", "demo"}},
				{"config needs state=started", []any{"name", "demo", "state", "restarted", "config", "/etc/demo/a"}},
				{"enabled is true or false", []any{"name", "demo", "enabled", "perhaps"}},
				{"/etc/none, named in config, is not a file", []any{"name", "demo", "config", []any{"/etc/demo/a", "/etc/none"}}},
			} {
				for _, e := range []Env{kindCheck, kindApply} {
					if w := h.wants(append(kindCall{"service"}, c.named...), e, Failed); !strings.Contains(w, c.words) {
						t.Errorf("%v: %s", c.named, w)
					}
				}
			}
		})
	}
}

// TestServiceOfDebian takes a daemon as Debian ships it, with its script.
func TestServiceOfDebian(t *testing.T) {
	h := newKindHost(t, shells[0])
	h.do(`ip link add br0 type veth peer name br1; ip addr add 10.9.0.1/24 dev br0; ip link set br0 up
		echo INTERFACESv4=br0 >/etc/default/isc-dhcp-server`)
	configure := func(addr string) {
		h.t.Helper()
		h.do(`printf %s "$0" >/etc/dhcp/dhcpd.conf`, fmt.Sprintf(dhcpdConf, addr))
	}
	pid := func() string { h.t.Helper(); return h.do(`cat /run/dhcpd.pid; kill -0 $(cat /run/dhcpd.pid)`) }
	dhcpd := kindCall{"service", "name", "isc-dhcp-server", "config", []any{"/etc/dhcp/dhcpd.conf", "/etc/default/isc-dhcp-server"}}

	configure("10.9.0.2")
	if w := h.wants(dhcpd, kindApply, Failed); !strings.Contains(w, "name its file in pidfile") {
		t.Error(w)
	}
	dhcpd = append(dhcpd, "pidfile", "/run/dhcpd.pid")
	h.wants(dhcpd, kindApply, Changed)
	first := pid()
	h.wants(dhcpd, kindApply, OK)
	configure("10.9.0.3")
	h.wants(dhcpd, kindCheck, Would)
	h.wants(dhcpd, kindApply, Changed)
	second := pid()
	if first == second {
		t.Error("it was not restarted")
	}
	configure("no address")
	if w := h.wants(dhcpd, kindApply, Failed); !strings.Contains(w, "line 4") {
		t.Error(w)
	}
	configure("10.9.0.3")
	h.wants(dhcpd, kindApply, Changed)
}
