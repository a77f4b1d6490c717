package playbooks

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"eucactl/inventory"
	"eucactl/ordered"
)

// value is a YAML value as plain data. As in Ansible, which reads YAML 1.1, a
// plain yes or off is a boolean.
func (r *reader) value(n *yaml.Node, depth int) any {
	n, ok := r.enter(n, depth)
	if !ok {
		return nil
	}
	switch n.Kind {
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			out = append(out, r.value(item, depth+1))
		}
		return out
	case yaml.MappingNode:
		out := ordered.New()
		for _, p := range r.mapping(n, "this") {
			if err := out.Set(r.scalar(p.key), r.value(p.value, depth+1)); err != nil {
				r.wrong(p.key, "%v", err)
			}
		}
		return out
	case yaml.ScalarNode:
		return r.scalar(n)
	}
	r.wrong(n, "this YAML is not understood")
	return nil
}

// Unsafe is text that is not a template, whatever it looks like.
type Unsafe string

// sealed is an encrypted value, which is opened when something needs it.
type sealed struct {
	where Position
	text  string
	src   *Source
}

func (v *sealed) reveal() (string, error) {
	text, err := v.src.open("the value of "+v.where.String(), []byte(strings.TrimSpace(v.text)+"\n"))
	return string(text), err
}

// vault reads an encrypted value.
func (r *reader) vault(n *yaml.Node) any {
	if !strings.HasPrefix(strings.TrimSpace(n.Value), "$ANSIBLE_VAULT;") {
		r.wrong(n, "a value tagged !vault begins with $ANSIBLE_VAULT;1.1 or 1.2, as ansible-vault encrypt_string writes it")
	}
	return &sealed{r.at(n), n.Value, r.src}
}

func (r *reader) scalar(n *yaml.Node) any {
	if b, ok := boolean(n); ok {
		return b
	}
	if n.Style&yaml.TaggedStyle == 0 && (n.Tag == "!!int" || n.Tag == "!!float") {
		v, err := inventory.Plain(n.Value)
		if err != nil {
			r.wrong(n, "%v", err)
		}
		return v
	}
	switch n.Tag {
	case "!vault":
		return r.vault(n)
	case "!unsafe":
		return Unsafe(n.Value)
	case "!!null":
		return nil
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil && (n.Value[0] != '0' || len(n.Value) == 1) {
			return i
		}
		var i int64
		if err := n.Decode(&i); err == nil {
			return i
		}
		r.wrong(n, "the number %s is too large", shown(n.Value))
	case "!!float":
		var f float64
		if err := n.Decode(&f); err == nil {
			return f
		}
		r.wrong(n, "%s is no number", shown(n.Value))
	case "!!str", "!!timestamp":
		return n.Value
	default:
		r.wrong(n, "the YAML tag %s is not supported", n.Tag)
	}
	return nil
}

// boolean reads YAML 1.1's booleans, of which YAML 1.2 has only true and false.
func boolean(n *yaml.Node) (bool, bool) {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 {
		return false, false
	}
	switch n.Value {
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return true, n.Tag == "!!bool" || n.Tag == "!!str"
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return false, n.Tag == "!!bool" || n.Tag == "!!str"
	}
	return false, false
}
