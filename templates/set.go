// Package templates renders Jinja2: whole files such as dhcpd.conf.j2, and the
// expressions of a playbook. Undefined variables are errors, and so is every value
// that the format it enters cannot express. It reads only the file systems it is
// given, and knows nothing of hosts, plans or tasks.
package templates

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
)

// builtin holds the templates of the built-in playbooks; it is never written.
//
//go:embed *.j2
var builtin embed.FS

// Builtin is the file system of the built-in templates.
func Builtin() fs.FS { return builtin }

// Limits on what one template or one expression may be.
const (
	maxFile       = 1 << 20
	maxExpression = 64 << 10
)

// Set is a set of templates and of all expressions met so far: each is parsed
// once. A Set may be used by several goroutines at a time.
type Set struct {
	layers []fs.FS
	env    *exec.Environment

	mu    sync.Mutex
	files map[string]*parsed
	texts map[string]*parsed
}

// parsed is a template that was read, or the reason why it could not be.
type parsed struct {
	template *exec.Template
	only     *nodes.Output // the template is this one expression
	err      error
}

// New makes a Set that looks for a template in each layer in turn: the layers of
// the user first, Builtin last. A nil layer is skipped.
func New(layers ...fs.FS) *Set {
	s := &Set{files: map[string]*parsed{}, texts: map[string]*parsed{}}
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
	p := s.file(name)
	if p.err != nil {
		return "", p.err
	}
	return s.execute(name, p, exec.NewContext(vars))
}

// Value renders text that may have {{ expressions }} in it. Text that is nothing
// but one expression keeps that expression's type; other text becomes a string.
func (s *Set) Value(text string, vars map[string]any) (any, error) {
	if !HasTemplate(text) {
		return text, nil
	}
	p := s.text(text)
	if p.err != nil {
		return nil, p.err
	}
	if p.only != nil {
		return s.evaluate(p.only, vars)
	}
	return s.execute("", p, exec.NewContext(vars))
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
	return s.execute("", p, exec.NewContext(vars))
}

// Eval evaluates a bare expression, without braces, to its typed value.
func (s *Set) Eval(expr string, vars map[string]any) (any, error) {
	p := s.expression(expr)
	if p.err != nil {
		return nil, p.err
	}
	return s.evaluate(p.only, vars)
}

// Truth evaluates a bare expression as a condition, by Python's idea of truth.
func (s *Set) Truth(expr string, vars map[string]any) (bool, error) {
	v, err := s.Eval(expr, vars)
	if err != nil {
		return false, err
	}
	return truth(v), nil
}

// HasTemplate tells whether text has anything to be rendered in it.
func HasTemplate(text string) bool {
	return strings.Contains(text, "{{") || strings.Contains(text, "{%") || strings.Contains(text, "{#")
}

// file reads and parses a template file, once.
func (s *Set) file(name string) *parsed {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.files[name]; p != nil {
		return p
	}
	p := &parsed{}
	if data, err := s.read(name); err != nil {
		p.err = err
	} else {
		p.template, p.err = s.parse(name, string(data))
	}
	s.files[name] = p
	return p
}

func (s *Set) read(name string) ([]byte, error) {
	for _, layer := range s.layers {
		data, err := fs.ReadFile(layer, name)
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
	return nil, fmt.Errorf("template %s: no such file", name)
}

// expression parses a bare expression as the only one of a text.
func (s *Set) expression(expr string) *parsed {
	p := s.text("{{ " + strings.TrimSpace(expr) + " }}")
	if p.err == nil && p.only == nil {
		return &parsed{err: &Error{Message: fmt.Sprintf("%s is not one expression", shown(expr))}}
	}
	return p
}

// text parses a text with expressions, once.
func (s *Set) text(text string) *parsed {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.texts[text]; p != nil {
		return p
	}
	p := &parsed{}
	if len(text) > maxExpression {
		p.err = &Error{Message: fmt.Sprintf("an expression longer than %d bytes", maxExpression)}
		return p
	}
	p.template, p.err = s.parse("", text)
	if p.err == nil {
		p.only = onlyOutput(p.template.Root())
	}
	s.texts[text] = p
	return p
}

// onlyOutput is the expression that a template consists of, or nil.
func onlyOutput(root *nodes.Template) *nodes.Output {
	var found *nodes.Output
	for _, n := range root.Nodes {
		switch n := n.(type) {
		case nil:
		case *nodes.Data:
			if n.Data.Val != "" {
				return nil
			}
		case *nodes.Output:
			if found != nil {
				return nil
			}
			found = n
		default:
			return nil
		}
	}
	return found
}

// settings are Ansible's: a block's newline is dropped, the last one of a file kept.
func settings() *config.Config {
	c := config.New()
	c.StrictUndefined = true
	c.TrimBlocks = true
	c.KeepTrailingNewline = true
	return c
}
