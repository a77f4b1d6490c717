package playbooks

import (
	"fmt"
	"maps"
	"strings"

	"gopkg.in/yaml.v3"
)

// Extras reads what -e gives, one text after the other: key=value words, whose
// values are text, a mapping in YAML or JSON, or @FILE with one. Later ones win. Words
// that are none of this are ignored, as in Ansible; whoever wrote them is to be told.
func (src *Source) Extras(texts []string) (vars map[string]any, ignored []string, err error) {
	vars = map[string]any{}
	for _, text := range texts {
		more, words, err := src.extras(strings.TrimSpace(text))
		if err != nil {
			return nil, nil, err
		}
		maps.Copy(vars, more)
		ignored = append(ignored, words...)
	}
	return vars, ignored, nil
}

func (src *Source) extras(text string) (vars map[string]any, ignored []string, err error) {
	switch name, isFile := strings.CutPrefix(text, "@"); {
	case isFile:
		data, err := src.read("file", src.name(name))
		if err != nil {
			return nil, nil, err
		}
		vars, err = src.mappingVars(name, data)
		return vars, nil, err
	case strings.HasPrefix(text, "/") || strings.HasPrefix(text, "."):
		return nil, nil, fmt.Errorf("please prepend extra_vars filename '%s' with '@'", text)
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") || strings.Contains(text, "\n"):
		vars, err = src.mappingVars("-e", []byte(text))
		return vars, nil, err
	}
	return wordVars(text)
}

// mappingVars are the variables of a mapping.
func (src *Source) mappingVars(file string, data []byte) (map[string]any, error) {
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
func wordVars(text string) (vars map[string]any, ignored []string, err error) {
	words, ok := splitWords(text)
	if !ok {
		return nil, nil, fmt.Errorf("a quote or a {{ is not closed in %s", shown(text))
	}
	vars = map[string]any{}
	for _, w := range words {
		name, value, found := strings.Cut(w, "=")
		if !found || !variableName.MatchString(name) {
			ignored = append(ignored, w)
			continue
		}
		vars[name] = wordValue(value)
	}
	return vars, ignored, nil
}
