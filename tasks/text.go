package tasks

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Env is how and for whom a program runs. Its zero value with a Mark applies
// the tasks, without a fence and without asking for facts.
type Env struct {
	Mark        string // "@" and 16 random hex digits, fresh for every program
	Check, Diff bool
	Cloud       string // the cloud's id, 8 hex digits; empty for a user's own playbook
	Login       string // the user that sftp writes as; empty means root
	Fence       *Fence
	Facts       string // the sum of the facts that the program was rendered with
	FactsScript string // prints the stable facts; empty asks for none
	Stage       int    // 2: continues a program that ended in "stage"
	More        bool   // ends in "stage" itself: another program follows on the same input
	Home        bool   // whoever is not root keeps what is ours in his home
	Finally     string // a script that runs when the shell ends, however it ends
	LockWait    int    // seconds

	HostDir, RunDir, Lock string // where a host keeps what is ours; tests set them
}

// A Fence lets a host obey one controller, and that one's latest program.
type Fence struct {
	Accept []string // tokens last confirmed and all sent since
	Token  string   // this program's
	From   string   // "CLOUD TOKEN" that the host is taken over from, if it obeys that still
}

var (
	markWord    = regexp.MustCompile(`^@[0-9a-f]{16}$`)
	cloudWord   = regexp.MustCompile(`^[0-9a-f]{8}$`)
	tokenWord   = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	loginWord   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?$`)
	sectionWord = regexp.MustCompile(`^[a-z][a-z0-9_.-]*$`)
	guardTerm   = regexp.MustCompile(`^[nocfs][0-9]+(\|[nocfs][0-9]+)*$`)
)

// Text writes the program: settings, prelude, the kinds it uses, content,
// manifest. It is one function, called on the last line.
func (p *Program) Text(e Env) (string, error) {
	e = e.withDefaults()
	if err := e.valid(); err != nil {
		return "", err
	}
	kinds, err := p.usedKinds()
	if err != nil {
		return "", err
	}
	prelude, err := builtin.ReadFile("prelude.sh")
	if err != nil {
		return "", fmt.Errorf("prelude: %w", err)
	}
	var b strings.Builder
	b.WriteString("eucactl() {\n")
	e.settings(&b, kinds)
	b.Write(prelude)
	for _, k := range p.Kinds.called(kinds) {
		b.WriteString(k.Text)
	}
	p.writeBlobs(&b)
	e.opening(&b)
	if err := p.writeTasks(&b); err != nil {
		return "", err
	}
	if err := p.writeSections(&b); err != nil {
		return "", err
	}
	b.WriteString(e.closing() + "\n}\neucactl\n")
	return b.String(), nil
}

func (e Env) withDefaults() Env {
	set := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	set(&e.Login, "root")
	set(&e.HostDir, "/var/lib/eucactl/host")
	set(&e.RunDir, "/run/eucalyptus/net")
	set(&e.Lock, "/run/eucactl.lock")
	return e
}

func (e Env) valid() error {
	switch {
	case !markWord.MatchString(e.Mark):
		return fmt.Errorf("mark %q is not @ and 16 hex digits", e.Mark)
	case e.Cloud != "" && !cloudWord.MatchString(e.Cloud):
		return fmt.Errorf("cloud id %q is not 8 hex digits", e.Cloud)
	case !loginWord.MatchString(e.Login):
		return fmt.Errorf("login %q cannot name a folder", e.Login)
	case e.Facts != "" && !IsSum(e.Facts):
		return fmt.Errorf("facts %q are not named by a sum", e.Facts)
	case strings.ContainsRune(e.FactsScript+e.Finally, 0):
		return fmt.Errorf("a script contains a NUL byte")
	}
	if e.Fence == nil {
		return nil
	}
	if e.Cloud == "" {
		return fmt.Errorf("a fence without a cloud id")
	}
	if strings.ContainsAny(e.Fence.From, "\x00\n") {
		return fmt.Errorf("fence %q is not one line", e.Fence.From)
	}
	for _, token := range append([]string{e.Fence.Token}, e.Fence.Accept...) {
		if !tokenWord.MatchString(token) {
			return fmt.Errorf("fence token %q is not one plain word", token)
		}
	}
	return nil
}

// usedKinds are the kinds of the tasks, each once, in order of first use.
func (p *Program) usedKinds() ([]Kind, error) {
	var kinds []Kind
	for i, t := range p.Tasks {
		if slices.ContainsFunc(kinds, func(k Kind) bool { return k.Name == t.Kind }) {
			continue
		}
		k, err := p.Kinds.Kind(t.Kind)
		if err != nil {
			return nil, fmt.Errorf("task %d: %w", i, err)
		}
		kinds = append(kinds, k)
	}
	return kinds, nil
}

func (e Env) settings(b *strings.Builder, kinds []Kind) {
	with := func(has func(Kind) bool) string {
		list := " "
		for _, k := range kinds {
			if has(k) {
				list += k.Name + " "
			}
		}
		return list
	}
	for _, s := range [][2]string{
		{"MARK", e.Mark}, {"CHECK", yes(e.Check)}, {"DIFF", yes(e.Diff)},
		{"CLOUD", e.Cloud}, {"LOGIN", e.Login}, {"LOCK_WAIT", strconv.Itoa(e.LockWait)},
		{"HOST_DIR", e.HostDir}, {"RUN_DIR", e.RunDir}, {"LOCK", e.Lock},
		{"ACTS", with(func(k Kind) bool { return !k.HasCheck })},
		{"READS", with(func(k Kind) bool { return k.HasRead })},
		{"DIFFS", with(func(k Kind) bool { return k.HasDiff })},
		{"SEES", with(func(k Kind) bool { return k.HasSeen })},
		{"LOOKS", with(Kind.quick)},
		{"CR", "\r"}, // sh has no word for it
	} {
		fmt.Fprintf(b, "%s=%s\n", s[0], quote(s[1]))
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// opening is what comes before the first task.
func (e Env) opening(b *strings.Builder) {
	b.WriteString("open_run\n")
	if e.Home {
		b.WriteString("at_home\n")
	}
	if e.Finally != "" {
		// A signal that is not caught would end the shell without a last word.
		fmt.Fprintf(b, "trap %s EXIT\ntrap 'exit 1' HUP INT PIPE TERM\n", quote(e.Finally))
	}
	if e.Stage < 2 {
		b.WriteString("take_lock\n")
	}
	if f := e.Fence; f != nil {
		fmt.Fprintf(b, "pass_fence %s %s", quote(f.From), quote(f.Token))
		for _, token := range f.Accept {
			b.WriteString(" " + quote(token))
		}
		b.WriteByte('\n')
	}
	if e.Stage < 2 && e.FactsScript != "" {
		fmt.Fprintf(b, "stage_facts %s %s\n[ -z \"$staged\" ] || return 0\n", quote(e.Facts), quote(e.FactsScript))
	}
}

// closing is what comes after the last section.
func (e Env) closing() string {
	if e.More {
		return "close_stage"
	}
	return "close_run"
}

// writeBlobs makes a function of each content. Not here-documents: bash writes
// big ones to /tmp.
func (p *Program) writeBlobs(b *strings.Builder) {
	for _, sum := range slices.Sorted(maps.Keys(p.contents)) {
		if _, up := p.Uploads[sum]; !up {
			fmt.Fprintf(b, "blob_%s() { printf %%s %s; }\n", sum, quote(p.contents[sum]))
		}
	}
	for _, sum := range slices.Sorted(maps.Keys(p.Uploads)) {
		fmt.Fprintf(b, "blob_%s() { cat \"$HOST_DIR/blobs.tmp/%s\"; }\n", sum, sum)
	}
}

// plainPath is one that stat prints as it is.
var plainPath = regexp.MustCompile(`^/[A-Za-z0-9_./@+,:=~%#-]*[^/]$`)

// mostLooks is how many paths one command is given.
const mostLooks = 1000

// quick tells whether what was seen may be believed after a task of the kind that found nothing to do.
func (k Kind) quick() bool { return k.Looks != "" || k.HasSeen }

var conditional = regexp.MustCompile(`[ocfs][0-9]`)

// surely tells whether a task is to look at its file in any case. Who sets a time limit thinks that it may hang, and
// then only that task is to.
func (t Task) surely() bool {
	return t.Flags.Timeout == 0 && t.Flags.Handler == "" && !conditional.MatchString(t.Guard)
}

// looks are the statements that have the prelude look at many tasks' files together, by the task that they stand
// before. What was seen is believed as long as only tasks come that are quick, so behind any other the next one begins.
func (p *Program) looks() map[int]string {
	statements := map[int]string{}
	var at, paths []string
	first := 0
	end := func() {
		if len(paths) > 0 {
			statements[first] = "look " + quote(strings.Join(at, " ")) + " " + strings.Join(paths, " ") + "\n"
		}
		at, paths = nil, nil
	}
	for i, t := range p.Tasks {
		k := p.Kinds.kinds[t.Kind]
		if k.Looks != "" && t.surely() && plainPath.MatchString(t.Args[0]) {
			if len(paths) == 0 {
				first = i
			}
			at, paths = append(at, strconv.Itoa(i)+lookLetter[k.Looks]), append(paths, quote(t.Args[0]))
		}
		if !k.quick() || len(paths) == mostLooks {
			end()
		}
	}
	end()
	return statements
}

func (p *Program) writeTasks(b *strings.Builder) error {
	looks := p.looks()
	for i, t := range p.Tasks {
		b.WriteString(looks[i])
		if err := p.validTask(i, t); err != nil {
			return fmt.Errorf("task %d (%s): %w", i, t.Kind, err)
		}
		if sums := p.wants(t); len(sums) > 0 {
			fmt.Fprintf(b, "wants %d %s\n", i, strings.Join(sums, " "))
		}
		if t.NoLog {
			fmt.Fprintf(b, "quiet %d\n", i)
		}
		t.Flags.write(b)
		fmt.Fprintf(b, "task %d %s %s", i, quote(t.Guard), t.Kind)
		for _, a := range t.Args {
			b.WriteString(" " + quote(a))
		}
		b.WriteByte('\n')
	}
	return nil
}

func (p *Program) validTask(i int, t Task) error {
	for _, term := range strings.Fields(t.Guard) {
		if !guardTerm.MatchString(term) {
			return fmt.Errorf("guard %q is not made of letter and index", term)
		}
		for one := range strings.SplitSeq(term, "|") {
			n, err := strconv.Atoi(one[1:])
			if err != nil || n >= i {
				return fmt.Errorf("guard %q does not speak of an earlier task", one)
			}
		}
	}
	for _, a := range t.Args {
		if strings.ContainsRune(a, 0) {
			return fmt.Errorf("argument %q contains a NUL byte", a)
		}
	}
	if err := t.Flags.valid(); err != nil {
		return err
	}
	for _, sum := range t.Wants {
		if _, ok := p.Uploads[sum]; !ok {
			return fmt.Errorf("wants %s, which nobody offers", sum)
		}
	}
	return nil
}

func (p *Program) writeSections(b *strings.Builder) error {
	for _, s := range p.Sections {
		if !sectionWord.MatchString(s.Name) || strings.ContainsRune(s.Script, 0) {
			return fmt.Errorf("section %q has no plain name or a NUL byte", s.Name)
		}
		fmt.Fprintf(b, "section %s %s\n", s.Name, quote(s.Script))
	}
	return nil
}
