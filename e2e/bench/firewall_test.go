package bench

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"eucactl/e2e/lab"
	"eucactl/tasks"
)

// Of the benchmark of a firewall: 2,000 chains of eleven rules, and as many rules that lead there.
const (
	firewallGroups = 2000
	firewallTurns  = 3
	firewallHost   = "fe"
	firewallCloud  = "c10d0001"
)

// BenchmarkFirewall brings 22,000 rules in 2,000 groups onto a host, in one transaction, and then one changed group, with
// either back end. The floor is iptables-restore alone with the same rules, as a file that lies there, in turn with ours:
// a whole program, which looks first, looks again after it, and remembers what the back end made of each chain.
func BenchmarkFirewall(b *testing.B) {
	l, err := lab.Up(lab.Options{Name: fmt.Sprintf("bench-%d-firewall", os.Getpid()), Hosts: []string{firewallHost}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := lab.Down(l.Name, ""); err != nil {
			b.Error(err)
		}
	})
	for _, backend := range []string{"nft", "legacy"} {
		h := &firewall{&site{Lab: l}, 0}
		h.on(b, firewallHost, `for c in iptables iptables-save iptables-restore; do ln -sf xtables-$1-multi /usr/sbin/$c; done`, backend)
		for range b.N {
			h.measure(b, backend)
		}
	}
}

// firewall is a host whose rules are brought there.
type firewall struct {
	*site
	generation int
}

const (
	wipe = `iptables-restore <<end
*filter
:FORWARD ACCEPT [0:0]
COMMIT
end
rm -rf /var/lib/eucactl`
	restore    = `iptables-restore --noflush </root/rules`
	restoreAll = `iptables-restore </root/rules`
)

func (h *firewall) measure(b *testing.B, backend string) {
	var all, one, none, flush [2][]time.Duration
	for range firewallTurns {
		rules := h.rules()
		text := h.program(b, "chains", "table", "filter", "content", rules)
		h.on(b, firewallHost, wipe)
		all[0] = append(all[0], took(func() { h.send(b, text) }))
		h.put(b, "/root/rules", transaction(rules, ""))
		h.on(b, firewallHost, wipe)
		all[1] = append(all[1], took(func() { h.on(b, firewallHost, restore) }))
		h.send(b, text)
		none[0] = append(none[0], took(func() { h.send(b, text) }))
		none[1] = append(none[1], took(func() { h.on(b, firewallHost, "iptables-save >/dev/null") }))

		h.generation++
		rules = h.rules()
		text = h.program(b, "chains", "table", "filter", "content", rules)
		one[0] = append(one[0], took(func() { h.send(b, text) }))
		h.put(b, "/root/rules", transaction(rules, fmt.Sprintf("u-g%d", h.generation)))
		one[1] = append(one[1], took(func() { h.on(b, firewallHost, restore) }))

		h.put(b, "/root/preload", fmt.Sprintf("*filter\n-A INPUT -s 192.0.2.%d/32 -j DROP\nCOMMIT\n", h.generation))
		text = h.program(b, "preload", "table", "filter", "path", "/root/preload")
		flush[0] = append(flush[0], took(func() { h.send(b, text) }))
		h.on(b, firewallHost, "iptables-save >/root/rules")
		flush[1] = append(flush[1], took(func() { h.on(b, firewallHost, restoreAll) }))
	}
	for _, row := range []struct {
		name  string
		times [2][]time.Duration
	}{
		{"22,000 rules in 2,000 groups, all new / iptables-restore", all},
		{"  of these one group changed / iptables-restore of it", one},
		{"  nothing changed / iptables-save", none},
		{"  flush: others' rules changed / iptables-restore of all", flush},
	} {
		figures.times(backend+": "+row.name, row.times[0], row.times[1])
	}
}

// rules are all chains; one group differs from generation to generation.
func (h *firewall) rules() string {
	var chains, rules strings.Builder
	for i := range firewallGroups {
		fmt.Fprintf(&chains, ":u-g%d -\n", i)
		fmt.Fprintf(&rules, "-A EUCA-FORWARD -d 10.%d.%d.0/24 -j u-g%d\n", i/256, i%256, i)
		fmt.Fprintf(&rules, "-A u-g%d -m comment --comment \"eucactl %s u-g%d\"\n", i, firewallCloud, i)
		for j := range 10 {
			port := 1000 + j
			if i == h.generation {
				port += 5000
			}
			fmt.Fprintf(&rules, "-A u-g%d -s 1.2.3.%d/32 -p tcp -m tcp --dport %d -j ACCEPT\n", i, j, port)
		}
	}
	return fmt.Sprintf(":EUCA-FORWARD -\n%s:EUCA-GENERATION -\nhook FORWARD EUCA-FORWARD\n-A EUCA-FORWARD -m comment --comment \"eucactl %s forward\"\n%s"+
		"-A EUCA-GENERATION -m comment --comment \"eucactl %s generation %d\"\n", chains.String(), firewallCloud, rules.String(), firewallCloud, h.generation)
}

// transaction is what iptables-restore reads for them: all of it, or one chain and the table's generation.
func transaction(rules, only string) string {
	var b strings.Builder
	b.WriteString("*filter\n")
	for line := range strings.Lines(rules) {
		f := strings.Fields(line)
		name := strings.TrimPrefix(f[0], ":")
		if f[0] == "-A" {
			name = f[1]
		}
		switch {
		case f[0] == "hook" && only == "":
			b.WriteString("-I FORWARD 1 -j EUCA-FORWARD\n")
		case f[0] == "hook" || only != "" && name != only && name != "EUCA-GENERATION":
		default:
			b.WriteString(line)
		}
	}
	return b.String() + "COMMIT\n"
}

func (h *firewall) put(b *testing.B, path, text string) {
	b.Helper()
	cmd := h.Command(firewallHost, "/bin/sh", "-c", `cat >"$0"`, path)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", path, err, out)
	}
}

// program is one task.
func (h *firewall) program(b *testing.B, kind string, args ...any) string {
	b.Helper()
	kinds, err := tasks.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	p := &tasks.Program{Kinds: kinds}
	named := map[string]any{}
	for i := 0; i < len(args); i += 2 {
		named[args[i].(string)] = args[i+1]
	}
	task, err := p.Call(kind, named, false)
	if err != nil {
		b.Fatal(err)
	}
	p.Add(task)
	text, err := p.Text(tasks.Env{Mark: "@0123456789abcdef", Cloud: firewallCloud})
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// send runs a program, whose task must not fail.
func (h *firewall) send(b *testing.B, text string) {
	b.Helper()
	cmd := h.Command(firewallHost, "/bin/sh", "-s")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), " end 0 changed 0") && !strings.Contains(string(out), " end 0 ok 0") {
		b.Fatalf("%v\n%s", err, out)
	}
}
