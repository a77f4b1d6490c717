package playbooks

import (
	_ "embed"
	"slices"
	"strings"

	"eucactl/tasks"
)

//go:embed kinds.txt
var kindsText string

// KindDoc is what there is to say of a kind that runs here, and of which the library of the host's kinds says nothing.
type KindDoc struct {
	Name string
	Doc  string // begins with a sentence
}

// KindDocs are those, in order of their names.
func KindDocs() []KindDoc {
	var docs []KindDoc
	for _, section := range strings.Split("\n"+kindsText, "\n== ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		docs = append(docs, KindDoc{Name: name, Doc: strings.TrimSpace(text)})
	}
	return docs
}

// Kind is a kind of the library under the name that a playbook may give it, with the parameters that it may give:
// ansible.builtin.copy is copy.
func Kind(lib *tasks.Library, name string) (tasks.Kind, error) {
	k, err := lib.Kind(bare(name))
	if local := localKinds[k.Name]; err == nil && local != nil {
		k.Params = slices.DeleteFunc(slices.Clone(k.Params), func(p tasks.Param) bool { return slices.Contains(local.inner, p.Name) })
	}
	return k, err
}

// DocOf is what there is to say of a kind that runs here, under any name that a playbook may give it.
func DocOf(name string) (KindDoc, bool) {
	for _, d := range KindDocs() {
		if d.Name == bare(name) {
			return d, true
		}
	}
	return KindDoc{}, false
}
