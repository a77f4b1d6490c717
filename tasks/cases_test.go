package tasks

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"eucactl/e2e/lab"
)

var update = flag.Bool("update", false, "let the installed Ansible record what its modules do in testdata/kinds/*.golden")

// A kindCase is one task of a kind that is an Ansible module too: a file of them
// is testdata/kinds/KIND.yml. What is to come of it is beside, in KIND.golden:
// Ansible itself wrote it there, but for those cases that say how we differ.
type kindCase struct {
	Case    string         `yaml:"case"`
	Before  string         `yaml:"before"` // script: makes the state, in the empty folder /case
	Task    map[string]any `yaml:"task"`
	Fields  []string       `yaml:"fields"`  // of the result that count
	Proof   string         `yaml:"proof"`   // script: prints what else counts
	Differs string         `yaml:"differs"` // in what we differ from Ansible
	Busybox string         `yaml:"busybox"` // in what busybox's tools differ

	// An item without case says what holds for those below it: its before and
	// proof come first, its fields count too. The first one of a file may have:
	Host struct {
		Systemd bool   `yaml:"systemd"`
		Setup   string `yaml:"setup"` // script: makes a host ready for all cases
	} `yaml:"host"` // a host of the file's own
}

// listing is what a case leaves behind: everything below /case.
const listing = `cd /case; /usr/bin/find . -printf '%P %M %u:%g %l\n' | /usr/bin/sort
/usr/bin/find . -type f -print0 | /usr/bin/sort -z | /usr/bin/xargs -0 -r /bin/dash -c 'for f; do
	printf "%s:\n" "$f"
	if [ "$(stat -c %s "$f")" -gt 2000 ]; then sha256sum <"$f"; else sed -n "l 200" "$f"; fi
	[ -z "$(tail -c1 "$f")" ] || echo "(no newline at the end)"
done' sh
`

// What a case needs of the host, as kinds.
var caseKinds = []string{
	"case_script.sh", "# case_script script\napply_case_script() { umask 022; PATH=/usr/sbin:/usr/bin; cd /case; eval \"$1\"; }\n",
	"case_fresh.sh", "# case_fresh script\napply_case_fresh() { umask 022; PATH=/usr/sbin:/usr/bin; cd /; rm -rf /case; mkdir /case; cd /case; eval \"$1\"; }\n",
	"case_list.sh", "# case_list proof\napply_case_list() { PATH=/usr/sbin:/usr/bin; result_begin list; (set +e; eval \"$1\"); result_end list; }\n",
}

func readCases(t testing.TB, file string) []kindCase {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	var cases []kindCase
	if err := dec.Decode(&cases); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return withCommon(cases)
}

// withCommon gives the items without a name to those below them. The first of
// what is left says which host they want.
func withCommon(cases []kindCase) []kindCase {
	var common kindCase
	var named []kindCase
	host := kindCase{}.Host
	for _, c := range cases {
		if c.Case == "" {
			common = c
			if c.Host != (kindCase{}.Host) {
				host = c.Host
			}
			continue
		}
		c.Before = common.Before + "\n" + c.Before
		c.Proof = common.Proof + "\n" + c.Proof
		c.Fields = append(slices.Clone(common.Fields), c.Fields...)
		c.Differs += common.Differs
		c.Host = host
		named = append(named, c)
	}
	return named
}

// TestCases runs every case under every shell: a check, an apply, and another.
// All of a shell's cases are one program. Without EUCACTL_SOAK bash, which differs
// least from what wrote the golden files, gets a third of the kinds, and kinds that
// need a host of their own (with packages, systemd) have it under dash alone.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/kinds/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	whole := os.Getenv("EUCACTL_SOAK") != ""
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		for i, file := range files {
			kind := strings.TrimSuffix(filepath.Base(file), ".yml")
			cases := readCases(t, file)
			own := cases[0].Host.Systemd || cases[0].Host.Setup != ""
			if !whole && (sh.name == "bash" && i%3 != 0 || sh.name != "dash" && own) {
				continue
			}
			t.Run(kind, func(t *testing.T) {
				h := &kindHost{t: t, lab: h.lab, sh: h.sh, env: h.env}
				if own {
					h = kindHostIn(openLab(t, lab.Options{Systemd: cases[0].Host.Systemd}), t, sh)
					h.do(cases[0].Host.Setup)
				}
				h.cases(kind, cases, strings.TrimSuffix(file, ".yml")+".golden")
			})
		}
	})
}

// cases runs the cases of a kind and compares.
func (h *kindHost) cases(kind string, cases []kindCase, golden string) {
	h.t.Helper()
	got := h.ours(kind, cases)
	want := readGolden(h.t, golden)
	if h.sh.name == "busybox" {
		h.onBusybox(cases, got, want, golden)
	}
	if *update && h.sh.name == "dash" {
		h.record(kind, cases, got, want)
		writeGolden(h.t, golden, cases, want)
	}
	for _, c := range cases {
		if diff := cmp.Diff(want[c.Case], got[c.Case]); diff != "" {
			h.t.Errorf("%s (-want +got):\n%s", c.Case, diff)
		}
	}
}

// onBusybox lets those cases end otherwise that say so.
func (h *kindHost) onBusybox(cases []kindCase, got, want map[string]string, golden string) {
	if *update {
		for _, c := range cases {
			want[c.Case+onBusybox] = got[c.Case]
		}
		writeGolden(h.t, golden, cases, want)
	}
	for _, c := range cases {
		if c.Busybox != "" {
			want[c.Case] = want[c.Case+onBusybox]
		}
	}
}

// ours is what our kind makes of each case.
func (h *kindHost) ours(kind string, cases []kindCase) map[string]string {
	h.t.Helper()
	p := program(h.t, caseKinds...)
	add := func(kind string, named map[string]any) (Task, error) {
		task, err := p.Call(kind, named, false)
		if err == nil {
			p.Add(task)
		}
		return task, err
	}
	script := func(kind, script string) int {
		if _, err := add(kind, map[string]any{"script": script}); err != nil {
			h.t.Fatal(err)
		}
		return len(p.Tasks) - 1
	}
	list := func(c kindCase) {
		if _, err := add("case_list", map[string]any{"proof": "cd /case\n" + c.Proof + "\n" + listing}); err != nil {
			h.t.Fatal(err)
		}
	}
	first, refused := map[string]int{}, map[string]string{}
	for _, c := range cases {
		if first[c.Case] != 0 {
			h.t.Fatalf("two cases are called %q", c.Case)
		}
		task, err := p.Call(kind, c.Task, false)
		if err != nil {
			refused[c.Case] = err.Error()
			continue
		}
		first[c.Case] = script("case_fresh", c.Before) + 1
		list(c)
		check := task
		check.Flags.Check, check.Flags.Diff = Yes, Yes
		p.Add(check)
		list(c)
		p.Add(task)
		list(c)
		p.Add(task)
	}
	r := h.runAll(p, kindApply)
	if !r.Done {
		h.t.Fatalf("cut: %+v", r.Results[len(r.Results)-1])
	}
	out := map[string]string{}
	for _, c := range cases {
		if words, ok := refused[c.Case]; ok {
			out[c.Case] = "refused: " + words + "\n"
			continue
		}
		out[c.Case] = h.told(c, r.Results[first[c.Case]-1:])
	}
	return out
}

// told is the outcome of a case, as it stands in the golden file.
func (h *kindHost) told(c kindCase, r []Result) string {
	h.t.Helper()
	if r[0].Outcome != Changed {
		h.t.Fatalf("%s: before: %s", c.Case, r[0].Words)
	}
	if diff := cmp.Diff(r[1].Data["list"], r[3].Data["list"]); diff != "" {
		h.t.Errorf("%s: check changed the host:\n%s", c.Case, diff)
	}
	if testing.Verbose() {
		h.t.Logf("%s: %s | %s | %s\n%s", c.Case, r[2].Words, r[4].Words, r[6].Words, r[2].Before)
	}
	fields := fieldsOf(c.Fields, h.registered(c, r[4].Data))
	plain := map[Outcome]string{Would: "changed", Unknown: "skipped"}
	word := func(r Result) string {
		if w, ok := plain[r.Outcome]; ok {
			return w
		}
		if r.Outcome == OK && r.Data["skipped_json"] == "true" {
			return "skipped"
		}
		return string(r.Outcome)
	}
	if r[4].Outcome == Unsettled {
		h.t.Errorf("%s: unsettled: %s", c.Case, r[4].Words)
	}
	return fmt.Sprintf("check %s, apply %s, again %s\n%s%s", word(r[2]), word(r[4]), word(r[6]), fields, r[5].Data["list"])
}

// registered are the fields of a result as a playbook sees them.
func (h *kindHost) registered(c kindCase, data map[string]string) map[string]any {
	h.t.Helper()
	out := map[string]any{}
	for key, text := range data {
		name, isJSON := strings.CutSuffix(key, "_json")
		if !isJSON {
			out[key] = text
			continue
		}
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			h.t.Errorf("%s: %s is no JSON: %v\n%s", c.Case, key, err, text)
		}
		out[name] = v
	}
	return out
}

// fieldsOf are some fields of a result; x.y is the field y of x, or of every item of
// the list x, in order.
func fieldsOf(names []string, result map[string]any) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, fieldText(within(result, strings.Split(name, "."))))
	}
	return b.String()
}

func within(v any, path []string) any {
	if len(path) == 0 {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		return within(v[path[0]], path[1:])
	case []any:
		texts := []string{}
		for _, item := range v {
			texts = append(texts, fieldText(within(item, path)))
		}
		slices.Sort(texts)
		return texts
	}
	return nil
}

func fieldText(v any) string {
	if v == nil {
		return ""
	}
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// onBusybox is put behind the name of a case that ends otherwise there.
const onBusybox = ", on busybox"

// readGolden reads sections that begin with "== name".
func readGolden(t testing.TB, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, section := range strings.Split("\n"+string(text), "\n== ")[1:] {
		name, body, _ := strings.Cut(section, "\n")
		out[name] = strings.TrimSuffix(body, "\n") + "\n"
	}
	return out
}

func writeGolden(t testing.TB, file string, cases []kindCase, sections map[string]string) {
	t.Helper()
	var b strings.Builder
	for _, c := range cases {
		fmt.Fprintf(&b, "== %s\n%s", c.Case, sections[c.Case])
		if c.Busybox != "" {
			fmt.Fprintf(&b, "== %s\n%s", c.Case+onBusybox, sections[c.Case+onBusybox])
		}
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// record lets Ansible do the cases that are new or have changed. Where we differ,
// or it has no such module here, what we do is recorded.
func (h *kindHost) record(kind string, cases []kindCase, got, want map[string]string) {
	h.t.Helper()
	for _, c := range cases {
		if c.Differs != "" {
			want[c.Case] = got[c.Case]
			continue
		}
		if want[c.Case] == got[c.Case] {
			continue
		}
		h.do(`rm -rf /case; mkdir /case; cd /case; ` + c.Before)
		check := h.ansible(kind, c, true)
		apply := h.ansible(kind, c, false)
		list := h.do("set +e; cd /case\n" + c.Proof + "\n" + listing)
		again := h.ansible(kind, c, false)
		foretold := said3(check)
		if ours, ok := strings.CutPrefix(got[c.Case], "check "); ok && foretold == "skipped" {
			foretold, _, _ = strings.Cut(ours, ",") // it has no check mode
		}
		want[c.Case] = fmt.Sprintf("check %s, apply %s, again %s\n%s%s", foretold, said3(apply), said3(again), fieldsOf(c.Fields, apply), list)
		if want[c.Case] != got[c.Case] {
			h.t.Logf("%s: Ansible says: %v | %v", c.Case, check["msg"], apply["msg"])
		}
	}
}

// said3 is how Ansible says a task went.
func said3(result map[string]any) string {
	switch {
	case result["failed"] == true:
		return "failed"
	case result["skipped"] == true:
		return "skipped"
	case result["changed"] == true:
		return "changed"
	}
	return "ok"
}

// Modules that have a half on the controller need all of Ansible.
var wholeAnsible = []string{"copy", "template", "fetch", "assemble", "unarchive", "uri"}

// ansibleModule is the module behind a kind; ansible's half on the controller may
// have given it other arguments than a playbook has.
func ansibleModule(kind string, args map[string]any) string {
	switch kind {
	case "shell", "command":
		args["_raw_params"], args["_uses_shell"] = args["cmd"], kind == "shell"
		delete(args, "cmd")
		return "command"
	}
	return kind
}

func (h *kindHost) ansible(kind string, c kindCase, check bool) map[string]any {
	h.t.Helper()
	args := map[string]any{"_ansible_check_mode": check}
	for k, v := range c.Task {
		args[k] = v
	}
	kind = ansibleModule(kind, args)
	script := `cd /case; export HOME=/root LANG=C.UTF-8 LC_ALL=C.UTF-8; exec 2>/dev/null; printf '%s' "$1" >/tmp/args.json; /usr/bin/python3 -m ansible.modules.$0 /tmp/args.json || :`
	var payload any = map[string]any{"ANSIBLE_MODULE_ARGS": args}
	if slices.Contains(wholeAnsible, kind) {
		script = `cd /case; export HOME=/root LANG=C.UTF-8 LC_ALL=C.UTF-8 ANSIBLE_LOCALHOST_WARNING=0 ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3; exec 2>/dev/null; printf '%s' "$1" >/tmp/args.json; ansible localhost -c local -m $0 -a "$1" $2 || :`
		delete(args, "_ansible_check_mode")
		payload = args
	}
	text, err := json.Marshal(payload)
	if err != nil {
		h.t.Fatal(err)
	}
	flag := "--diff"
	if check {
		flag = "--check"
	}
	out := h.do(script, kind, string(text), flag)
	if strings.HasSuffix(strings.TrimSpace(out), "| SKIPPED") {
		return map[string]any{"skipped": true}
	}
	before, after, adhoc := strings.Cut(out, " => ")
	if adhoc {
		out = after
	}
	var result map[string]any
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		h.t.Logf("%s: Ansible says %q", c.Case, out)
		return map[string]any{"failed": true}
	}
	if adhoc && strings.HasSuffix(before, "FAILED!") {
		result["failed"] = true
	}
	return result
}
