package tasks

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"mvdan.cc/sh/v3/syntax"
)

// everything is a program that uses every kind and every device of the
// manifest, for tests of its text.
func everything(t testing.TB) (*Program, Env) {
	p := program(t, "act.sh", act)
	for _, name := range p.Kinds.Names() {
		k, err := p.Kinds.Kind(name)
		if err != nil {
			t.Fatal(err)
		}
		task := Task{Kind: name, NoLog: name == "rendered"}
		for _, param := range k.Params {
			arg := "/it's a \"$(reboot)\" \\ `x` \n;"
			switch param.Name {
			case "content":
				arg = p.Blob("it's\n}\ncontent of " + name + "\n")
			case "upload":
				arg = p.Secret("content of " + name)
			}
			task.Args = append(task.Args, arg)
		}
		if n := len(p.Tasks); n > 1 {
			task.Guard = "n0 c1|f1"
		}
		p.Add(task)
	}
	p.Sections = []Section{{"one", "echo '}'\nls"}, {"two", "echo 'unfinished"}}
	e := hostEnv(t)
	e.Fence = &Fence{Token: "t2", Accept: []string{"t0", "t1"}}
	e.FactsScript = "uname -r"
	return p, e
}

func TestProgramIsOneFunctionAndItsCall(t *testing.T) {
	p, e := everything(t)
	text, err := p.Text(e)
	if err != nil {
		t.Fatal(err)
	}
	f, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "program")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Stmts) != 2 || !strings.HasSuffix(text, "\n}\neucactl\n") {
		t.Fatalf("%d statements", len(f.Stmts))
	}
	if fn, ok := f.Stmts[0].Cmd.(*syntax.FuncDecl); !ok || fn.Name.Value != "eucactl" {
		t.Errorf("first statement is %T", f.Stmts[0].Cmd)
	}
	if again, _ := p.Text(e); again != text {
		t.Error("the same program has two texts")
	}
}

// set -e is off in all of a function that is called where its status is tested
// (FINDINGS X18). So nobody up the stack may test what leads to a task.
func TestNothingThatLeadsToATaskIsTested(t *testing.T) {
	p, e := everything(t)
	p.Sections = nil
	text, err := p.Text(e)
	if err != nil {
		t.Fatal(err)
	}
	f, err := syntax.NewParser().Parse(strings.NewReader(text), "program")
	if err != nil {
		t.Fatal(err)
	}
	road := []string{"eucactl", "task", "act", "settle", "apply", "show"}
	seen := map[string]bool{}
	var stack []syntax.Node
	syntax.Walk(f, func(n syntax.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		name := ""
		switch c := n.(type) {
		case *syntax.CallExpr:
			if len(c.Args) > 0 && slices.Contains(road, c.Args[0].Lit()) {
				name = c.Args[0].Lit()
			}
		case *syntax.Subshell:
			if first, ok := c.Stmts[0].Cmd.(*syntax.CallExpr); ok && len(first.Args) == 2 && first.Args[0].Lit() == "set" {
				name = "(set -e)"
			}
		}
		if name != "" {
			seen[name] = true
			if why := testedBy(stack); why != "" {
				t.Errorf("line %d: %s stands in %s", n.Pos().Line(), name, why)
			}
		}
		return true
	})
	for _, name := range append(road, "(set -e)") {
		if !seen[name] {
			t.Errorf("%s was not found: this test does not test it", name)
		}
	}
}

// testedBy names what tests the status of the innermost node.
func testedBy(stack []syntax.Node) string {
	for i, n := range stack[:len(stack)-1] {
		inner := stack[i+1]
		switch c := n.(type) {
		case *syntax.Stmt:
			if c.Negated {
				return "!"
			}
		case *syntax.BinaryCmd:
			if c.Op == syntax.OrStmt || c.Op == syntax.AndStmt {
				return c.Op.String()
			}
		case *syntax.IfClause:
			if slices.ContainsFunc(c.Cond, func(s *syntax.Stmt) bool { return s == inner }) {
				return "if"
			}
		case *syntax.WhileClause:
			if slices.ContainsFunc(c.Cond, func(s *syntax.Stmt) bool { return s == inner }) {
				return "while"
			}
		}
	}
	return ""
}

// The test above must be able to fail.
func TestTestedCallsAreFound(t *testing.T) {
	for _, text := range []string{"task || :", "if task; then :; fi", "! task", "while task; do :; done", ": && { x; task; }"} {
		f, err := syntax.NewParser().Parse(strings.NewReader(text), "")
		if err != nil {
			t.Fatal(err)
		}
		found := false
		var stack []syntax.Node
		syntax.Walk(f, func(n syntax.Node) bool {
			if n == nil {
				stack = stack[:len(stack)-1]
				return true
			}
			stack = append(stack, n)
			if c, ok := n.(*syntax.CallExpr); ok && c.Args[0].Lit() == "task" {
				found = found || testedBy(stack) != ""
			}
			return true
		})
		if !found {
			t.Errorf("%s: not found", text)
		}
	}
}

// Codes that mean nothing where files are only parts of one program: 2034 and
// 2154 (set here and used there, or through eval), 2153 (DIFF beside DIFFS).
const shellcheckSkips = "SC2034,SC2154,SC2153"

func TestShellcheck(t *testing.T) {
	files, err := filepath.Glob("*.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		out, err := exec.Command("shellcheck", "-s", "sh", "-e", shellcheckSkips, file).CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	p, e := everything(t)
	text, err := p.Text(e)
	if err != nil {
		t.Fatal(err)
	}
	// In the whole program only what is an error counts.
	cmd := exec.Command("shellcheck", "-s", "sh", "-S", "error", "-")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the whole program: %v\n%s", err, out)
	}
}

// Every shell reads every kind without complaint.
func TestShellsParseEveryKind(t *testing.T) {
	p, e := everything(t)
	text, err := p.Text(e)
	if err != nil {
		t.Fatal(err)
	}
	underEach(t, func(t *testing.T, sh shell) {
		cmd := sh.command()
		cmd.Args = []string{"sh", "-n"}
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// Kinds share one program: two functions of one name would be one.
func TestFunctionNamesDoNotCollide(t *testing.T) {
	files, err := filepath.Glob("*.sh")
	parts, err2 := filepath.Glob("parts/*.sh")
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	files = append(files, parts...)
	owner := map[string]string{}
	for _, file := range files {
		for _, m := range anyFunction.FindAllStringSubmatch(readFile(t, file), -1) {
			if first, taken := owner[m[1]]; taken {
				t.Errorf("%s() is in %s and in %s", m[1], first, file)
			}
			owner[m[1]] = file
		}
	}
	if owner["task"] != "prelude.sh" {
		t.Error("no function was found")
	}
}

// Only what nobody can foretell by its nature has no check.
func TestBuiltinsAreNoActs(t *testing.T) {
	kinds, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range kinds.kinds {
		if !k.HasCheck && name != "raw" || k.Doc == "" {
			t.Errorf("%s: check %v, %d bytes of doc", name, k.HasCheck, len(k.Doc))
		}
	}
}

func TestQuote(t *testing.T) {
	for in, out := range map[string]string{"": "''", "/a/b-c.d": "/a/b-c.d", "a b": "'a b'", "it's": `'it'\''s'`, "~": "'~'", "a=b": "'a=b'", "日本": "'日本'"} {
		if got := quote(in); got != out {
			t.Errorf("%q became %s", in, got)
		}
	}
}

func FuzzQuote(f *testing.F) {
	f.Add("it's $HOME `x` \"y\" \\ *\n;")
	f.Add("\x81\x82\x88\xff\xfe'\x81'\r\n\t")
	f.Add("-n\\c\\0")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsRune(s, 0) {
			return
		}
		for _, sh := range shells {
			cmd := sh.command()
			cmd.Stdin = strings.NewReader("LC_ALL=C\nf() { g " + quote(s) + "; }\ng() { printf %s \"$1\"; }\nf\n")
			out, err := cmd.Output()
			if err != nil || string(out) != s {
				t.Fatalf("%s: %q became %q %v", sh.name, s, out, err)
			}
		}
	})
}

func TestTextRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		env  func(*Env)
		prog func(*Program)
	}{
		{"mark", func(e *Env) { e.Mark = "x;reboot" }, nil},
		{"no mark", func(e *Env) { e.Mark = "" }, nil},
		{"cloud", func(e *Env) { e.Cloud = "C1" }, nil},
		{"login", func(e *Env) { e.Login = "../root" }, nil},
		{"token", func(e *Env) { e.Fence = &Fence{Token: "a b"} }, nil},
		{"no token", func(e *Env) { e.Fence = &Fence{} }, nil},
		{"empty token accepted", func(e *Env) { e.Fence = &Fence{Token: "a", Accept: []string{""}} }, nil},
		{"fence without cloud", func(e *Env) { e.Cloud, e.Fence = "", &Fence{Token: "a"} }, nil},
		{"facts", func(e *Env) { e.Facts = "1" }, nil},
		{"kind", nil, func(p *Program) { p.Add(Task{Kind: "renderd"}) }},
		{"NUL", nil, func(p *Program) { p.Add(Task{Kind: "absent", Args: []string{"a\x00b"}}) }},
		{"wants", nil, func(p *Program) { p.Add(Task{Kind: "absent", Args: []string{"/a"}, Wants: []string{Sum("x")}}) }},
		{"section", nil, func(p *Program) { p.Sections = []Section{{"a b", "ls"}} }},
	} {
		p, e := program(t), hostEnv(t)
		if c.env != nil {
			c.env(&e)
		}
		if c.prog != nil {
			c.prog(p)
		}
		if _, err := p.Text(e); err == nil {
			t.Errorf("%s was accepted", c.name)
		}
	}
}

func TestContentTravelsInsideOrBeside(t *testing.T) {
	p := program(t)
	small, big := p.Blob("small"), p.Blob(strings.Repeat("x", lazyInline+1))
	secret, nul := p.Secret("secret"), p.Blob("a\x00b")
	read, err := p.Inline(strings.Repeat("y", lazyInline+1))
	if err != nil {
		t.Fatal(err)
	}
	// The same content asked for in both ways: a check must be able to read it.
	both := p.Blob(strings.Repeat("z", lazyInline+1))
	if _, err := p.Inline(strings.Repeat("z", lazyInline+1)); err != nil {
		t.Fatal(err)
	}
	if p.Blob(strings.Repeat("z", lazyInline+1)); p.Blob("secret") != secret {
		t.Error("one content, two names")
	}
	got := map[string]bool{}
	for sum, u := range p.Uploads {
		got[sum] = u.Secret
	}
	if d := cmp.Diff(map[string]bool{big: false, secret: true, nul: false}, got); d != "" {
		t.Error(d)
	}
	text, err := p.Text(hostEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, sum := range []string{small, read, both} {
		if !strings.Contains(text, "blob_"+sum+"() { printf") {
			t.Errorf("%s is not inside", sum)
		}
	}
	if strings.Contains(text, "'secret'") || strings.Contains(text, " secret;") {
		t.Error("a secret is inside")
	}
	if _, err := p.Inline("a\x00"); err == nil {
		t.Error("NUL inside a program")
	}
}
