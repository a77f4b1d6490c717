// Package templates renders Jinja2 as Ansible's users know it: whole files such as
// dhcpd.conf.j2, and the expressions of a playbook. Undefined variables are errors,
// and so is every value that the format it enters cannot express. It reads only the
// file systems it is given, and knows nothing of hosts, plans or tasks.
package templates

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"eucactl/jinja"
)

// builtin holds the templates of the built-in playbooks; it is never written.
//
//go:embed *.j2
var builtin embed.FS

// Builtin is the file system of the built-in templates.
func Builtin() fs.FS { return builtin }

// Error is what is wrong with a template or with the values given to it.
type Error = jinja.Error

// Limits on what one template or one expression may be.
const (
	maxFile       = 1 << 20
	maxExpression = 64 << 10
)

// Options are what templates can reach beyond their variables. What is not given
// cannot be used: the error says so.
type Options struct {
	// Files are searched in turn by the lookups file, fileglob, first_found and lines.
	Files []fs.FS
	// Root is where absolute paths are read.
	Root fs.FS
	// Stat and Lstat answer the tests file, directory, exists and link.
	Stat, Lstat func(name string) (fs.FileInfo, error)
	// Lookups are further lookups, and take the place of those here.
	Lookups map[string]Lookup
	// Now is the time that now() and strftime speak of; zero is none.
	Now time.Time
	// Random is where random, shuffle and password_hash take what they draw from.
	Random io.Reader
	// Steps bounds the work of one evaluation; 0 is the language's own bound.
	Steps int64
}

// Lookup finds values: terms and options are what lookup(NAME, terms..., options...)
// was given.
type Lookup func(terms []any, options map[string]any) ([]any, error)

// Layout is how a template's file is read; the zero value is Ansible's.
type Layout = jinja.Options

// Set is a set of templates and of all expressions met so far: each is parsed
// once. A Set may be used by several goroutines at a time.
type Set struct {
	layers  []fs.FS
	options Options
	env     *jinja.Env

	mu    sync.Mutex
	files map[fileKey]*parsed
	texts map[textKey]*parsed
}

type fileKey struct {
	name   string
	layout Layout
}

// textKey tells a text with braces from a bare expression.
type textKey struct {
	text string
	bare bool
}

// parsed is a template or an expression that was read, or the reason why it could
// not be.
type parsed struct {
	template *jinja.Template
	only     *jinja.Expression
	newlines int  // at the end of the source
	literal  bool // a result that looks like a list or a mapping is made one
	err      error
}

// New makes a Set that looks for a template in each layer in turn: the layers of
// the user first, Builtin last. A nil layer is skipped.
func New(layers ...fs.FS) *Set { return NewWith(Options{}, layers...) }

// NewWith is New with more that templates can reach.
func NewWith(o Options, layers ...fs.FS) *Set {
	s := &Set{options: o, files: map[fileKey]*parsed{}, texts: map[textKey]*parsed{}}
	for _, l := range layers {
		if l != nil {
			s.layers = append(s.layers, l)
		}
	}
	s.env = newEnvironment(s)
	return s
}

// Render renders the template file called name with vars.
func (s *Set) Render(name string, vars map[string]any) (string, error) {
	return s.RenderAs(name, Layout{}, vars)
}

// RenderAs renders a template file that is read in another way.
func (s *Set) RenderAs(name string, layout Layout, vars map[string]any) (string, error) {
	p := s.file(name, layout)
	if p.err != nil {
		return "", p.err
	}
	return p.render(s.env, vars)
}

// render renders to text, with no fewer newlines at its end than the source has.
func (p *parsed) render(env *jinja.Env, vars map[string]any) (string, error) {
	out, err := p.template.Render(env, vars)
	if err != nil {
		return "", err
	}
	return padded(out, p.newlines), nil
}

// padded adds the newlines at its end that a text lacks. A template's own last
// newline is no part of it, and Ansible gives it back in this way.
func padded(s string, newlines int) string {
	if n := newlines - trailing(s); n > 0 {
		return s + strings.Repeat("\n", n)
	}
	return s
}

func trailing(s string) int { return len(s) - len(strings.TrimRight(s, "\n")) }

// Value renders text that may have {{ expressions }} in it. Text that is nothing
// but one expression keeps that expression's type; other text becomes a string. A
// string that looks like a list, a mapping or a boolean of Python's becomes one, as
// Ansible has it, unless a filter such as to_json made it.
func (s *Set) Value(text string, vars map[string]any) (any, error) {
	if !HasTemplate(text) {
		return text, nil
	}
	p := s.text(text)
	if p.err != nil {
		return nil, p.err
	}
	v, err := p.value(s.env, vars)
	if err != nil {
		return nil, err
	}
	if text, ok := v.(string); ok && p.literal {
		v = unliteral(text)
	}
	if text, ok := v.(string); ok {
		v = padded(text, p.newlines)
	}
	return v, nil
}

func (p *parsed) value(env *jinja.Env, vars map[string]any) (any, error) {
	if p.only == nil {
		return p.template.Render(env, vars)
	}
	return evaluate(p.only, env, vars)
}

func evaluate(x *jinja.Expression, env *jinja.Env, vars map[string]any) (any, error) {
	v, err := x.Eval(env, vars)
	if err != nil {
		return nil, err
	}
	v, err = plain(v)
	if err != nil {
		return nil, &Error{Message: err.Error(), Cause: err}
	}
	return v, nil
}

// unliteral is what Python would read from a text, if it looks like that.
func unliteral(text string) any {
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") && text != "True" && text != "False" {
		return text
	}
	if len(text) > maxFile {
		return text
	}
	v, ok := jinja.Literal(text)
	if !ok {
		return text
	}
	p, err := plain(v)
	if err != nil {
		return text
	}
	return p
}

// Text is Value for those who want a string whatever the expression's type.
func (s *Set) Text(text string, vars map[string]any) (string, error) {
	if !HasTemplate(text) {
		return text, nil
	}
	p := s.text(text)
	if p.err != nil {
		return "", p.err
	}
	return p.render(s.env, vars)
}

// Eval evaluates a bare expression, without braces, to its typed value.
func (s *Set) Eval(expr string, vars map[string]any) (any, error) {
	p := s.expression(expr)
	if p.err != nil {
		return nil, p.err
	}
	return evaluate(p.only, s.env, vars)
}

// Truth evaluates a bare expression as a condition, by Python's idea of truth.
func (s *Set) Truth(expr string, vars map[string]any) (bool, error) {
	p := s.expression(expr)
	if p.err != nil {
		return false, p.err
	}
	v, err := p.only.Eval(s.env, vars)
	return err == nil && jinja.Truth(v), err
}

// HasTemplate tells whether text has anything to be rendered in it.
func HasTemplate(text string) bool {
	return strings.Contains(text, "{{") || strings.Contains(text, "{%") || strings.Contains(text, "{#")
}

// file reads and parses a template file, once.
func (s *Set) file(name string, layout Layout) *parsed {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := fileKey{name, layout}
	if p := s.files[key]; p != nil {
		return p
	}
	p := &parsed{}
	if data, err := s.read(name); err != nil {
		p.err = err
	} else {
		source, layout, err := header(name, string(data), layout)
		if err == nil {
			p.template, err = jinja.Parse(name, source, layout)
		}
		p.newlines, p.err = trailing(source), err
	}
	if !errors.Is(p.err, fs.ErrNotExist) { // a task may still write it
		s.files[key] = p
	}
	return p
}

// load is how a template finds another one: beside itself, or in the layers.
func (s *Set) load(name string, from *jinja.Template) (*jinja.Template, error) {
	p := &parsed{err: fs.ErrNotExist}
	if dir := path.Dir(from.Name()); dir != "." {
		p = s.file(path.Join(dir, name), from.Layout())
	}
	if errors.Is(p.err, fs.ErrNotExist) {
		p = s.file(name, from.Layout())
	}
	return p.template, p.err
}

func (s *Set) read(name string) ([]byte, error) {
	layers, inLayer := s.layers, name
	if path.IsAbs(name) {
		layers, inLayer = []fs.FS{s.options.Root}, strings.TrimPrefix(path.Clean(name), "/")
	}
	for _, layer := range layers {
		if layer == nil {
			continue // absolute paths cannot be read here
		}
		data, err := fs.ReadFile(layer, inLayer)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
		if len(data) > maxFile {
			return nil, fmt.Errorf("template %s: larger than %d bytes", name, maxFile)
		}
		return data, nil
	}
	return nil, &missingError{name}
}

// missingError says that there is no template of a name.
type missingError struct{ name string }

func (e *missingError) Error() string { return fmt.Sprintf("template %s: no such file", e.name) }

// Is lets it pass for what file systems say.
func (*missingError) Is(target error) bool { return target == fs.ErrNotExist }

// Inherent says that lookups hand the error on as it is.
func (*missingError) Inherent() bool { return true }

// expression parses a bare expression, once.
func (s *Set) expression(expr string) *parsed {
	return s.once(textKey{expr, true}, func(p *parsed) {
		p.only, p.err = jinja.ParseExpression(expr)
	})
}

// textLayout is how Ansible reads what stands in a playbook.
var textLayout = Layout{RawStrings: true}

// stringFilters make texts that are to stay texts.
var stringFilters = map[string]bool{"string": true, "to_json": true, "to_nice_json": true, "to_yaml": true,
	"to_nice_yaml": true, "ppretty": true, "json": true}

// text parses a text with expressions, once.
func (s *Set) text(text string) *parsed {
	return s.once(textKey{text, false}, func(p *parsed) {
		p.template, p.err = jinja.Parse("", text, textLayout)
		if p.err != nil {
			return
		}
		p.newlines, p.literal = trailing(text), true
		if x, ok := p.template.Only(); ok && p.newlines == 0 {
			p.only = x
			name, _ := x.Filter()
			p.literal = !stringFilters[name]
		}
	})
}

func (s *Set) once(key textKey, parse func(*parsed)) *parsed {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.texts[key]; p != nil {
		return p
	}
	p := &parsed{}
	if len(key.text) > maxExpression {
		p.err = &Error{Message: fmt.Sprintf("an expression longer than %d bytes", maxExpression)}
		return p
	}
	parse(p)
	s.texts[key] = p
	return p
}
