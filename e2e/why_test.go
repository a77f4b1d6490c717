package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"gopkg.in/yaml.v3"

	"eucactl/cloud"
	"eucactl/e2e/lab"
	"eucactl/inventory"
)

// fault is a file of faults/: something that is done to a standing cloud, and what
// eucactl why must say then. docs/adding.md describes the form.
type fault struct {
	name   string
	What   string            `yaml:"what"`
	Inject map[string]string `yaml:"inject"` // host -> script of sh
	Undo   map[string]string `yaml:"undo"`
	From   string            `yaml:"from"`   // who asks: ADDRESS or ADDRESS:PORT
	Expect string            `yaml:"expect"` // regular expression of "HOST: WORDS"
	Pair   []string          `yaml:"pair"`   // instead of the others: faults at once; the first is to be named
	Mode   inventory.Mode    `yaml:"mode"`   // the network mode that it is about; MANAGED-NOVLAN if empty
}

const nothingWrong = "nothing wrong found"

// readFaults reads faults/*.yml and joins the pairs.
func readFaults(t *testing.T) (list []fault) {
	t.Helper()
	files, err := filepath.Glob("faults/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("faults: %v, %d files", err, len(files))
	}
	byName := map[string]fault{}
	for _, path := range files {
		f := fault{name: strings.TrimSuffix(filepath.Base(path), ".yml")}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		dec := yaml.NewDecoder(bytes.NewReader(text))
		dec.KnownFields(true)
		if err := dec.Decode(&f); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		byName[f.name] = f
		list = append(list, f)
	}
	for i := range list {
		if err := list[i].check(byName); err != nil {
			t.Fatalf("faults/%s.yml: %v", list[i].name, err)
		}
	}
	return list
}

// check refuses a file that could not fail.
func (f *fault) check(all map[string]fault) error {
	if f.What == "" {
		return fmt.Errorf("say what is wrong, in what")
	}
	for _, name := range f.Pair {
		if _, ok := all[name]; !ok {
			return fmt.Errorf("there is no fault %s", name)
		}
	}
	if len(f.Pair) > 0 {
		first := all[f.Pair[0]]
		f.From, f.Expect = first.From, first.Expect
	}
	switch f.Mode = cmp.Or(f.Mode, inventory.ManagedNoVLAN); {
	case f.Mode != inventory.ManagedNoVLAN && f.Mode != inventory.Managed:
		return fmt.Errorf("mode %q: there are %s and %s", f.Mode, inventory.ManagedNoVLAN, inventory.Managed)
	case f.Expect == "":
		return fmt.Errorf("say what is expected, in expect")
	}
	if len(f.Inject) > 0 && len(f.Undo) == 0 {
		return fmt.Errorf("say how it is undone, in undo")
	}
	_, err := regexp.Compile(f.Expect)
	return err
}

// faulty is a cloud whose guest something is done to.
type faulty struct {
	*world
	roles map[string]string // frontend -> fe1 ...
	env   map[string]string
	all   map[string]fault
	mode  inventory.Mode
}

// TestWhy does every fault to a standing cloud with two guests, asks why the first
// guest is unreachable, undoes it and asks again.
//
// proves A112 A113 A114
func TestWhy(t *testing.T) {
	w := newFaulty(t, lab.Options{Name: "why", Nodes: 2})
	w.try(w.about())
}

// TestWhyManaged does the same where groups have VLANs of their own. Hosts with
// kernels of their own are slow: CI tries three of the faults; EUCACTL_SOAK=1, all.
//
// proves A112 A114
func TestWhyManaged(t *testing.T) {
	t.Parallel()
	w := newFaulty(t, lab.Options{Name: "whym", Nodes: 2, Kernel: lab.OwnKernel, Mode: inventory.Managed})
	faults := w.about()
	if !soak() {
		dice(t).Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		faults = faults[:3]
	}
	w.try(faults)
}

// about are the faults of this cloud's mode.
func (w *faulty) about() (list []fault) {
	w.t.Helper()
	for _, f := range readFaults(w.t) {
		w.all[f.name] = f
		if f.Mode == w.mode {
			list = append(list, f)
		}
	}
	return list
}

// try tries faults and prints a table of them.
func (w *faulty) try(faults []fault) {
	t := w.t
	t.Helper()
	var table bytes.Buffer
	rows := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	right, wrong := 0, 0
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			w.t = t
			begin, verdict := time.Now(), "WRONG"
			got, named := w.one(f)
			if named {
				right++
				verdict = "named"
			} else {
				wrong++
				t.Errorf("%s\nexpected %s\ngot      %s", f.What, w.expand(f.Expect), got)
			}
			fmt.Fprintf(rows, "%s\t%s\t%.1f s\t%s\n", f.name, verdict, time.Since(begin).Seconds(), got)
		})
	}
	w.t = t
	rows.Flush()
	t.Logf("%d named correctly, %d wrongly\n%s", right, wrong, table.String())
}

// newFaulty raises two nodes with a guest each, of two groups.
func newFaulty(t *testing.T, o lab.Options) *faulty {
	t.Helper()
	w := &faulty{world: raiseWorld(t, o), all: map[string]fault{}, mode: cmp.Or(o.Mode, inventory.ManagedNoVLAN)}
	images := filepath.Join(w.lab.Dir, "images")
	kernel := w.must("-q", "register", "--type", "kernel", images+"/kernel")
	ramdisk := w.must("-q", "register", "--type", "ramdisk", images+"/ramdisk")
	image := w.must("-q", "register", "--kernel", kernel, "--ramdisk", ramdisk, images+"/machine.img")
	w.must("authorize", "default", "-P", "tcp", "-p", "22")
	w.must("authorize", "default", "-P", "icmp")
	w.must("create-group", "web")
	first := w.guest("run-instances", image, "--wait")
	other := w.guest("run-instances", image, "--wait", "-g", "web")
	w.name(first, other)
	for limit := time.Now().Add(3 * time.Minute); ; time.Sleep(300 * time.Millisecond) {
		if got, _ := w.why(""); got == nothingWrong {
			return w
		} else if time.Now().After(limit) {
			t.Fatalf("the guest does not come up: %s", got)
		}
	}
}

// name gives scripts and expectations the names of what is there.
func (w *faulty) name(first, other cloud.InstanceView) {
	w.t.Helper()
	var groups cloud.Groups
	w.read(&groups, "describe-group", "default")
	w.roles = map[string]string{"frontend": "fe1", "node": first.Host, "other": other.Host, "client": "client", "switch": ".", "controller": "."}
	w.env = map[string]string{
		"I": string(first.ID), "IP": first.Private.String(), "PUBLIC": first.Public.String(), "MAC": first.MAC, "TAP": string(first.ID),
		"OTHER": string(other.ID), "OTHER_IP": other.Private.String(), "OTHER_PUBLIC": other.Public.String(), "OTHER_MAC": other.MAC,
		"FRONTEND": "fe1", "NODE": first.Host, "PRIV": "eth0", "PUB": "eth1", "BRIDGE": "br0", "UPLINK": "eth0",
		"GATEWAY": groups.Groups[0].Networks[0].Gateway.String() + "/27", "CHAIN": groups.Groups[0].Chain, "SET": "EUCA-" + string(groups.Groups[0].ID),
	}
	if w.mode == inventory.Managed {
		w.env["PRIV"], w.env["UPLINK"], w.env["BRIDGE"] = "eth0.10", "eth0.10", "eucabr10"
	}
	w.env["CLOUD"] = strings.TrimSpace(w.on(first.Host, "cut -d ' ' -f 1 /var/lib/eucactl/host/fence"))
}

// read runs a verb that prints JSON.
func (w *faulty) read(v any, args ...string) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(w.must(append([]string{"-o", "json"}, args...)...)), v); err != nil {
		w.t.Fatal(err)
	}
}

func (w *faulty) guest(args ...string) cloud.InstanceView {
	w.t.Helper()
	var r cloud.Reservation
	w.read(&r, args...)
	return r.Instances[0]
}

// one does a fault, asks, undoes it and asks again.
func (w *faulty) one(f fault) (got string, named bool) {
	parts := []fault{f}
	if len(f.Pair) > 0 {
		parts = nil
		for _, name := range f.Pair {
			parts = append(parts, w.all[name])
		}
	}
	for _, p := range parts {
		w.scripts(p.name, p.Inject)
	}
	got, full := w.why(f.From)
	for _, p := range slices.Backward(parts) {
		w.scripts(p.name, p.Undo)
	}
	want := regexp.MustCompile("^(?:" + w.expand(f.Expect) + ")")
	named = want.MatchString(got)
	if !named {
		w.t.Logf("%s:\n%s", f.name, full)
	}
	if len(f.Inject)+len(f.Pair) == 0 {
		return got, named
	}
	// The kernel may need a moment to find its neighbours again.
	for limit := time.Now().Add(30 * time.Second); ; {
		after, full := w.why("")
		if after == nothingWrong {
			return got, named
		}
		if time.Now().After(limit) {
			w.t.Errorf("faults/%s.yml: undone, it still says: %s\n%s", f.name, after, full)
			return got, named
		}
	}
}

// endProcess is the scripts' word for ending a process: when it returns the process is
// gone, or is only not yet waited for.
const endProcess = `end() { kill "$1"; while grep -q . "/proc/$1/cmdline" 2>/dev/null; do sleep 0.1; done; }
`

// scripts runs a script on each of the hosts, the controller's last.
func (w *faulty) scripts(name string, scripts map[string]string) {
	w.t.Helper()
	for _, role := range slices.SortedFunc(maps.Keys(scripts), func(a, b string) int {
		if (a == "controller") != (b == "controller") {
			return map[bool]int{true: 1, false: -1}[a == "controller"]
		}
		return strings.Compare(a, b)
	}) {
		host, known := w.roles[role]
		if !known {
			w.t.Fatalf("faults/%s.yml: there is no host %s: use frontend, node, other, client, switch or controller", name, role)
		}
		var vars strings.Builder
		for _, k := range slices.Sorted(maps.Keys(w.env)) {
			fmt.Fprintf(&vars, "%s='%s'\n", k, w.env[k])
		}
		if role == "controller" {
			fmt.Fprintf(&vars, "export HOME='%s' EUCACTL_STATE='%s' EUCACTL_INVENTORY='%s'\neucactl() { '%s' \"$@\"; }\n",
				w.dir, filepath.Join(w.dir, "cloud", "state"), w.lab.Inventory(), w.tool)
		}
		if out, err := w.lab.Command(host, "/bin/sh", "-c", "set -e\n"+endProcess+vars.String()+scripts[role]).CombinedOutput(); err != nil {
			w.t.Errorf("faults/%s.yml, on %s: %v: %s\n%s", name, role, err, out, scripts[role])
		}
	}
}

// why asks, and says in one line what was named: "HOST: WORDS", with hosts as files
// call them.
func (w *faulty) why(from string) (named, full string) {
	w.t.Helper()
	args := []string{"-o", "json", "why", w.env["I"], "unreachable"}
	if from != "" {
		args = append(args, "from", from)
	}
	a := w.run(args...)
	var d cloud.Diagnosis
	if err := json.Unmarshal([]byte(a.out), &d); err != nil {
		w.t.Fatalf("why: %v\n%s%s", err, a.out, a.err)
	}
	if (a.code == 0) != (d.Broken == nil) || a.code != 0 && a.code != 2 {
		w.t.Errorf("why ended with %d:\n%s", a.code, a.out)
	}
	if len(d.Unseen) > 0 {
		w.t.Logf("not looked at: %s", strings.Join(d.Unseen, "; "))
	}
	if d.Broken == nil {
		return nothingWrong, a.out
	}
	where := d.Broken.Host
	switch where {
	case w.roles["node"]:
		where = "node"
	case w.roles["frontend"]:
		where = "frontend"
	case "":
		where = "records"
	}
	return where + ": " + d.Broken.Words, a.out
}

// expand puts the cloud's own names into an expression.
func (w *faulty) expand(expr string) string {
	return os.Expand(expr, func(name string) string { return regexp.QuoteMeta(w.env[name]) })
}
