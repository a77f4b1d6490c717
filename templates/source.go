package templates

import (
	"strings"

	"eucactl/jinja"
)

// Link is a template file, and how it is read.
type Link struct {
	Name   string
	Layout Layout
}

// Written is a template as it was written.
type Written struct {
	Text string
	// Links are the templates that it includes, imports or extends by names that are
	// written in it. Computed tells that there may be others.
	Links    []Link
	Computed bool
}

// Written is a template file; empty if it cannot be read, of which whoever renders it
// is told.
func (s *Set) Written(l Link) Written {
	p := s.file(l.Name, l.Layout)
	if p.err != nil {
		return Written{}
	}
	return s.written(p.template)
}

// WrittenText is a text of a playbook.
func (s *Set) WrittenText(text string) Written {
	if strings.Contains(text, "{%") {
		if p := s.text(text); p.err == nil {
			return s.written(p.template)
		}
	}
	return Written{Text: text}
}

func (s *Set) written(t *jinja.Template) Written {
	names, computed := t.Links()
	w := Written{Text: t.Source(), Computed: computed}
	for _, name := range names {
		if linked, err := s.load(name, t); err == nil {
			w.Links = append(w.Links, Link{linked.Name(), t.Layout()})
		}
	}
	return w
}
