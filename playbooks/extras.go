package playbooks

import (
	"fmt"
	"maps"
	"strings"

	"gopkg.in/yaml.v3"
)

// Extras reads what -e gives, one text after the other: key=value words, whose
// values are text, a mapping in YAML or JSON, or @FILE with one. Later ones win.
func (src *Source) Extras(texts []string) (map[string]any, error) {
	all := map[string]any{}
	for _, text := range texts {
		vars, err := src.extras(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		maps.Copy(all, vars)
	}
	return all, nil
}

func (src *Source) extras(text string) (map[string]any, error) {
	file := "-e"
	data := []byte(text)
	if name, isFile := strings.CutPrefix(text, "@"); isFile {
		file = name
		read, err := src.read("file", src.name(name))
		if err != nil {
			return nil, err
		}
		data = read
	} else if !strings.HasPrefix(text, "{") && !strings.Contains(text, "\n") {
		return wordVars(text)
	}
	r := src.reader(file, nil)
	r.file = file
	root := r.document(data)
	out := map[string]any{}
	if root != nil {
		if root.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("%s: a mapping of names to values is wanted", file)
		}
		for _, v := range r.vars(root) {
			out[v.Name] = v.Value
		}
	}
	return out, r.err()
}

// wordVars are the variables of key=value words.
func wordVars(text string) (map[string]any, error) {
	words, ok := splitWords(text)
	if !ok {
		return nil, fmt.Errorf("a quote or a {{ is not closed in %s", shown(text))
	}
	out := map[string]any{}
	for _, w := range words {
		name, value, found := strings.Cut(w, "=")
		if !found || !variableName.MatchString(name) {
			return nil, fmt.Errorf("%s is not of the form name=value (nor a mapping, nor @FILE)", shown(w))
		}
		out[name] = wordValue(value)
	}
	return out, nil
}
