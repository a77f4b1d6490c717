package templates

import "strings"

// Written is a template as it was written.
type Written struct {
	Text string
	// Links are the templates that it includes, imports or extends by names that are
	// written in it. Computed tells that there may be others.
	Links    []string
	Computed bool
}

// Written is the template file called name; empty if it cannot be read, of which
// whoever renders it is told.
func (s *Set) Written(name string, layout Layout) Written {
	return s.written(name, s.file(name, layout))
}

// WrittenText is a text of a playbook.
func (s *Set) WrittenText(text string) Written {
	w := Written{}
	if strings.Contains(text, "{%") {
		w = s.written("", s.text(text))
	}
	w.Text = text
	return w
}

func (s *Set) written(from string, p *parsed) Written {
	if p.err != nil {
		return Written{}
	}
	names, computed := p.template.Links()
	w := Written{Text: p.template.Source(), Computed: computed}
	for _, name := range names {
		if t, err := s.load(name, from); err == nil {
			w.Links = append(w.Links, t.Name())
		}
	}
	return w
}
