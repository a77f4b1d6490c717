package templates

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"

	"eucactl/jinja"
)

func fromYAML(c *jinja.Call) (any, error) {
	if _, ok := c.In.(string); !ok {
		return c.In, nil
	}
	all, err := readYAML(c, c.InText())
	switch {
	case err != nil || len(all) == 0:
		return nil, err
	case len(all) > 1:
		return nil, errors.New("more than one document: use from_yaml_all")
	}
	return all[0], nil
}

func fromYAMLAll(c *jinja.Call) (any, error) {
	if _, ok := c.In.(string); !ok {
		return c.In, nil
	}
	return readYAML(c, c.InText())
}

// readYAML reads the documents of a text.
func readYAML(c *jinja.Call, text string) ([]any, error) {
	d := yaml.NewDecoder(strings.NewReader(text))
	out := []any{}
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		if len(doc.Content) == 0 {
			continue
		}
		v, err := yamlValue(c, doc.Content[0], 0)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
}

func yamlValue(c *jinja.Call, n *yaml.Node, depth int) (any, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("nested more than %d deep", maxNesting)
	}
	if err := c.Spend(1); err != nil {
		return nil, err
	}
	switch n.Kind {
	case yaml.AliasNode:
		return yamlValue(c, n.Alias, depth+1)
	case yaml.SequenceNode:
		out := []any{}
		for _, item := range n.Content {
			v, err := yamlValue(c, item, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case yaml.MappingNode:
		return yamlDict(c, n, depth)
	}
	if n.Style&yaml.TaggedStyle != 0 {
		if n.Tag == "!!str" || n.Tag == "!unsafe" {
			return n.Value, nil
		}
		return nil, fmt.Errorf("line %d: the tag %s cannot be read here", n.Line, n.Tag)
	}
	if n.Style != 0 && n.Style != yaml.FlowStyle {
		return n.Value, nil
	}
	return yamlPlain(n.Value), nil
}

func yamlDict(c *jinja.Call, n *yaml.Node, depth int) (any, error) {
	out, inherited := jinja.NewDict(), jinja.NewDict()
	for i := 0; i+1 < len(n.Content); i += 2 {
		v, err := yamlValue(c, n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if n.Content[i].Tag == "!!merge" {
			if err := inherit(inherited, v); err != nil {
				return nil, fmt.Errorf("line %d: %w", n.Content[i].Line, err)
			}
			continue
		}
		key, err := yamlValue(c, n.Content[i], depth+1)
		if err != nil {
			return nil, err
		}
		if err := out.Set(key, v); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Content[i].Line, err)
		}
	}
	if inherited.Len() == 0 {
		return out, nil
	}
	for _, key := range out.Keys() {
		v, _ := out.Get(key)
		_ = inherited.Set(key, v) // a key of one mapping can be one of another
	}
	return inherited, nil
}

// inherit puts into d what << names, the first of which goes before the others.
func inherit(d *jinja.Dict, from any) error {
	list, ok := from.([]any)
	if !ok {
		list = []any{from}
	}
	for _, m := range list {
		keys, ok := jinja.Keys(m)
		if !ok {
			return errors.New("<< takes mappings")
		}
		for _, key := range keys {
			if _, had := d.Get(key); !had {
				v, _ := jinja.Entry(m, key)
				_ = d.Set(key, v) // a key of one mapping can be one of another
			}
		}
	}
	return nil
}
