package tasks

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"eucactl/spelling"
)

//go:embed *.sh parts/*.sh
var builtin embed.FS

// A Kind is one word of the vocabulary: a file KIND.sh whose first line is
// "# KIND param param=default ...".
type Kind struct {
	Name   string
	Params []Param
	With   []string // "# with: NAME ...": kinds and parts whose functions it calls
	Doc    string   // the comment below the first line
	Text   string

	HasCheck bool // without check_KIND it is an act
	HasRead  bool
	HasDiff  bool
	HasSeen  bool

	GivesFacts bool // its results may have ansible_facts

	Looks string // "# looks: stat", sum or text: what its check asks of the file that its first parameter names
}

// A Param is a named argument of a playbook and, by its place, a positional one
// of the kind's functions.
type Param struct {
	Name     string
	Aliases  []string // "dest|path": other names for it
	Form     Form
	Default  string
	Required bool
	Lazy     bool // "content:lazy": only apply reads it, so a big one is sent when needed
}

// A Form is how a value that is not one word becomes an argument.
type Form string

// The forms, as they stand behind a parameter's name.
const (
	Words   Form = ""   // items of a list are separated by blanks, and have none in them
	Lines   Form = "[]" // an item a line
	Pairs   Form = "{}" // of a mapping, a line of key=value each
	AnyJSON Form = "@"  // whatever it is, as JSON
	Regex   Form = "~"  // a regular expression of Python's, as sed takes it
)

// A Library holds the kinds that a program may use.
type Library struct {
	kinds map[string]Kind
	parts map[string]Kind // parts/*.sh: what kinds share and nobody can ask for by itself
}

// The lines below the first that are for us and not for people, in this order.
const (
	withWord  = "# with:"
	looksWord = "# looks:"
)

// lookLetter is what stands for a look behind the number of a task.
var lookLetter = map[string]string{"stat": "", "sum": "s", "text": "t"}

var (
	kindName    = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	paramWord   = regexp.MustCompile(`^([a-z][a-z0-9_|]*)(\[\]|\{\}|@|~)?(:lazy\??|\?|=(\S*))?$`)
	anyFunction = regexp.MustCompile(`(?m)^([A-Za-z_][A-Za-z0-9_]*)\(\)`)
	function    = regexp.MustCompile(`(?m)^(check|apply|read|diff|seen)_([a-z0-9_]+)\(\)`)
)

// Builtin is the library of the kinds that come with eucactl.
func Builtin() (*Library, error) {
	l := &Library{kinds: map[string]Kind{}, parts: map[string]Kind{}}
	files, err := fs.Glob(builtin, "parts/*.sh")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := fs.ReadFile(builtin, file)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(file, "parts/"), ".sh")
		if !strings.HasPrefix(string(text), "# "+name+":") {
			return nil, fmt.Errorf("%s: the first line must begin with \"# %s:\"", file, name)
		}
		l.parts[name] = Kind{Name: name, Text: string(text)}
	}
	if err := l.read(builtin, "tasks"); err != nil {
		return nil, err
	}
	return l, l.joined("tasks")
}

// Overlay is l with a user's own kinds, the *.sh files of fsys. They may not
// take the name of a built-in one: the cloud's own playbooks rely on those.
// from names the place in errors.
func (l *Library) Overlay(fsys fs.FS, from string) (*Library, error) {
	over := &Library{kinds: map[string]Kind{}, parts: l.parts}
	if err := over.read(fsys, from); err != nil {
		return nil, err
	}
	taken, err := builtinFunctions()
	if err != nil {
		return nil, err
	}
	for name, k := range over.kinds {
		if _, exists := l.kinds[name]; exists {
			return nil, fmt.Errorf("%s/%s.sh: there is a built-in kind of this name", from, name)
		}
		// Text that is not whole would end the program's function early, and a
		// program cut in half could run.
		defined, err := functions(k.Text)
		if err != nil {
			return nil, fmt.Errorf("%s/%s.sh: %w", from, name, err)
		}
		for _, f := range defined {
			if owner, ok := taken[f]; ok {
				return nil, fmt.Errorf("%s/%s.sh: %s() is a function of the built-in %s already: choose another name", from, name, f, owner)
			}
		}
	}
	for name, k := range l.kinds {
		over.kinds[name] = k
	}
	return over, over.joined(from)
}

// builtinFunctions are those of all that is built in, and in which file. All kinds of a program share one shell.
func builtinFunctions() (map[string]string, error) {
	owner := map[string]string{}
	for _, pattern := range []string{"*.sh", "parts/*.sh"} {
		files, err := fs.Glob(builtin, pattern)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := fs.ReadFile(builtin, file)
			if err != nil {
				return nil, err
			}
			for _, f := range anyFunction.FindAllStringSubmatch(string(text), -1) {
				owner[f[1]] = file
			}
		}
	}
	return owner, nil
}

// joined finds whatever a kind calls.
func (l *Library) joined(from string) error {
	for _, name := range l.Names() {
		for _, with := range l.kinds[name].With {
			if _, err := l.callee(with); err != nil {
				return fmt.Errorf("%s/%s.sh: with: %w", from, name, err)
			}
		}
	}
	return nil
}

func (l *Library) callee(name string) (Kind, error) {
	if part, ok := l.parts[name]; ok {
		return part, nil
	}
	return l.Kind(name)
}

// Text is what a program has of a kind, or of a part if the name ends in a colon:
// that is how the first lines of both begin.
func (l *Library) Text(name string) (string, error) {
	if part, ok := l.parts[strings.TrimSuffix(name, ":")]; ok && strings.HasSuffix(name, ":") {
		return part.Text, nil
	}
	k, err := l.Kind(name)
	return k.Text, err
}

// called are these kinds and what they call, each once.
func (l *Library) called(kinds []Kind) []Kind {
	all := slices.Clone(kinds)
	for i := 0; i < len(all); i++ {
		for _, name := range all[i].With {
			k, err := l.callee(name)
			if err == nil && !slices.ContainsFunc(all, func(other Kind) bool { return other.Name == name }) {
				all = append(all, k)
			}
		}
	}
	return all
}

// functions are the names of those that a text defines, which must be whole.
func functions(text string) ([]string, error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, err
	}
	var names []string
	syntax.Walk(file, func(n syntax.Node) bool {
		if f, ok := n.(*syntax.FuncDecl); ok {
			names = append(names, f.Name.Value)
		}
		return true
	})
	return names, nil
}

func (l *Library) read(fsys fs.FS, from string) error {
	files, err := fs.Glob(fsys, "*.sh")
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	for _, file := range files {
		if file == "prelude.sh" {
			continue
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		k, err := parseKind(strings.TrimSuffix(file, ".sh"), string(text))
		if err != nil {
			return fmt.Errorf("%s/%s: %w", from, file, err)
		}
		l.kinds[k.Name] = k
	}
	return nil
}

func parseKind(name, text string) (Kind, error) {
	k := Kind{Name: name, Text: strings.TrimRight(text, "\n") + "\n"}
	if !kindName.MatchString(name) {
		return k, fmt.Errorf("a kind's name is lower-case letters, digits and _, not %q", name)
	}
	if strings.ContainsRune(text, 0) {
		return k, errors.New("a NUL byte cannot be part of a program")
	}
	if strings.HasPrefix(text, "#!") {
		_, text, _ = strings.Cut(text, "\n")
	}
	head, rest, _ := strings.Cut(text, "\n")
	words := strings.Fields(strings.TrimPrefix(head, "#"))
	if !strings.HasPrefix(head, "#") || len(words) == 0 || words[0] != name {
		return k, fmt.Errorf("the first line must be \"# %s\" and its parameters", name)
	}
	var err error
	if k.Params, err = parseParams(words[1:]); err != nil {
		return k, err
	}
	if with, below, _ := strings.Cut(rest, "\n"); strings.HasPrefix(with, withWord) {
		k.With, rest = strings.Fields(strings.TrimPrefix(with, withWord)), below
	}
	if looks, below, _ := strings.Cut(rest, "\n"); strings.HasPrefix(looks, looksWord) {
		k.Looks, rest = strings.TrimSpace(strings.TrimPrefix(looks, looksWord)), below
		if _, ok := lookLetter[k.Looks]; !ok {
			return k, fmt.Errorf("a kind looks for stat, sum or text, not %q", k.Looks)
		}
		k.With = append(k.With, "attrs", "look")
	}
	k.Doc = headComment(rest)
	k.GivesFacts = strings.Contains(text, "result ansible_facts_json") || strings.Contains(text, "result_begin ansible_facts_json")
	for _, f := range function.FindAllStringSubmatch(text, -1) {
		if f[2] != name {
			continue
		}
		k.HasCheck = k.HasCheck || f[1] == "check"
		k.HasRead = k.HasRead || f[1] == "read"
		k.HasDiff = k.HasDiff || f[1] == "diff"
		k.HasSeen = k.HasSeen || f[1] == "seen"
	}
	if !strings.Contains(text, "apply_"+name+"()") {
		return k, fmt.Errorf("apply_%s() is missing", name)
	}
	return k, nil
}

func parseParams(words []string) ([]Param, error) {
	var params []Param
	taken := map[string]bool{}
	for _, w := range words {
		m := paramWord.FindStringSubmatch(w)
		if m == nil {
			return nil, fmt.Errorf("parameter %q is none of name, name=default, name?, name:lazy and name:lazy?, with [], {}, @ or ~ behind the name and |alias in it", w)
		}
		names := strings.Split(m[1], "|")
		for _, name := range names {
			if !kindName.MatchString(name) {
				return nil, fmt.Errorf("parameter %q is no name", name)
			}
			if taken[name] {
				return nil, fmt.Errorf("parameter %q is named twice", name)
			}
			taken[name] = true
		}
		params = append(params, Param{
			Name: names[0], Aliases: append([]string(nil), names[1:]...), Form: Form(m[2]), Default: m[4], Lazy: strings.HasPrefix(m[3], ":lazy"),
			Required: m[3] == "" || m[3] == ":lazy",
		})
	}
	return params, nil
}

// Names are all names that a playbook may give the parameter, its own first.
func (p Param) Names() []string { return append([]string{p.Name}, p.Aliases...) }

func headComment(text string) string {
	var doc []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		doc = append(doc, strings.TrimPrefix(strings.TrimPrefix(strings.TrimRight(line, "\n"), "#"), " "))
	}
	return strings.TrimSpace(strings.Join(doc, "\n"))
}

// Kind finds a kind by its name; the error suggests the nearest one.
func (l *Library) Kind(name string) (Kind, error) {
	k, ok := l.kinds[name]
	if !ok {
		return k, fmt.Errorf("no such task kind: %q%s", name, spelling.DidYouMean(name, l.Names()))
	}
	return k, nil
}

// Names are the kinds' names in order.
func (l *Library) Names() []string {
	var names []string
	for name := range l.kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
