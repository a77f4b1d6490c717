package templates

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func linkedSet() *Set {
	return NewWith(Options{Root: fstest.MapFS{"etc/abs.j2": {Data: []byte("abs {% include 'in.j2' %}")}, "etc/in.j2": {Data: []byte("in")}}}, fstest.MapFS{
		"d/main.j2": {Data: []byte(`{% if x %}{% include "a.j2" %}{% endif %}{% include ["no.j2", "b.j2"] %}{% import "a.j2" if x else "c.j2" as m %}`)},
		"d/a.j2":    {Data: []byte("in d")}, "a.j2": {Data: []byte("a")}, "b.j2": {Data: []byte("[[ 1 ]] {{ 1 }}")}, "c.j2": {Data: []byte("c")},
		"far.j2":   {Data: []byte(`{% extends base %}`)},
		"other.j2": {Data: []byte(`[[ 1 ]] {% include "b.j2" %}`)},
	})
}

// TestLinks: a template tells to which others it leads, also where it does not come to them.
func TestLinks(t *testing.T) {
	s := linkedSet()
	if d := cmp.Diff([]Link{{Name: "d/a.j2"}, {Name: "b.j2"}, {Name: "d/a.j2"}, {Name: "c.j2"}}, s.Written(Link{Name: "d/main.j2"}).Links); d != "" {
		t.Error(d)
	}
	if w := s.Written(Link{Name: "d/main.j2"}); w.Computed {
		t.Error("no name is computed")
	}
	if w := s.WrittenText(`{% include f %}`); !w.Computed {
		t.Error("the name is computed")
	}
	if w := s.Written(Link{Name: "far.j2"}); !w.Computed || len(w.Links) > 0 {
		t.Errorf("%+v", w)
	}
}

// TestLayoutOfIncluded: what a template includes is read as itself, as in Ansible.
func TestLayoutOfIncluded(t *testing.T) {
	got, err := linkedSet().RenderAs("other.j2", Layout{VariableStart: "[[", VariableEnd: "]]"}, nil)
	if want := "1 1 {{ 1 }}"; got != want || err != nil {
		t.Errorf("%q, not %q: %v", got, want, err)
	}
}

// TestAbsoluteTemplate: the lookup template takes a whole path, and includes what is beside it.
func TestAbsoluteTemplate(t *testing.T) {
	got, err := linkedSet().Text("{{ lookup('template', '/etc/abs.j2') }}", nil)
	if want := "abs in"; got != want || err != nil {
		t.Errorf("%q, not %q: %v", got, want, err)
	}
	if _, err := New(fstest.MapFS{}).Text("{{ lookup('template', '/etc/abs.j2') }}", nil); err == nil {
		t.Error("there is no root to read it from")
	}
}
