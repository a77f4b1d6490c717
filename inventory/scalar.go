package inventory

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Ansible reads YAML 1.1, in which yes and off are booleans, 010 is eight and
// 52:54:00:12:34:56 is a number. This file reads plain scalars the same way, and
// refuses those that a reader of YAML 1.2 would hardly expect, so that nobody has
// to know which of the two is at work.

type scalarKind int

const (
	scalarString scalarKind = iota
	scalarNull
	scalarBool
	scalarInt
	scalarFloat
	scalarTrap
)

// resolved is a plain scalar with its type found out.
type resolved struct {
	kind  scalarKind
	value any
	trap  string // why the scalar is refused unless quoted
}

// The expressions are those of YAML 1.1 as PyYAML has them.
var (
	intExpr = regexp.MustCompile(`^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+)$`)
	// The exponent needs its sign in YAML 1.1; without it the word is a string there.
	floatExpr     = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$`)
	sexagesimal   = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`)
	noNumberExpr  = regexp.MustCompile(`^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	timestampExpr = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9:.]+[ \t]*(?:Z|[-+][0-9:]+)?)?$`)
	// Numbers of YAML 1.2 that are words in YAML 1.1.
	newNumberExpr = regexp.MustCompile(`^[-+]?(?:0o[0-7]+|(?:[0-9]+|[0-9]*\.[0-9]+|[0-9]+\.)[eE][0-9]+|[0-9]+[eE][-+][0-9]+|0[0-9]*[89][0-9]*)$`)
)

func resolvePlain(s string) resolved {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return resolved{kind: scalarNull}
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return resolved{kind: scalarBool, value: true}
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return resolved{kind: scalarBool, value: false}
	case "=":
		return trap(`"=" has a meaning of its own in YAML`)
	}
	switch {
	case intExpr.MatchString(s):
		return plainInt(s)
	case floatExpr.MatchString(s):
		f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
		if err != nil || math.IsInf(f, 0) {
			return trap("this number is too large")
		}
		return resolved{kind: scalarFloat, value: f}
	case sexagesimal.MatchString(s):
		return trap(fmt.Sprintf("without quotes Ansible reads %s as a number to the base of 60", s))
	case noNumberExpr.MatchString(s):
		return trap(fmt.Sprintf("%s is not a number that can be used", s))
	case timestampExpr.MatchString(s):
		return trap(fmt.Sprintf("without quotes Ansible reads %s as a date", s))
	case newNumberExpr.MatchString(s):
		return trap(fmt.Sprintf("%s is a number to some YAML readers and a word to others", s))
	}
	return resolved{kind: scalarString, value: s}
}

func trap(why string) resolved { return resolved{kind: scalarTrap, trap: why} }

func plainInt(s string) resolved {
	digits := strings.ReplaceAll(s, "_", "")
	sign := ""
	if strings.HasPrefix(digits, "-") || strings.HasPrefix(digits, "+") {
		sign, digits = strings.TrimPrefix(digits[:1], "+"), digits[1:]
	}
	base := 10
	switch {
	case strings.HasPrefix(digits, "0b"):
		base, digits = 2, digits[2:]
	case strings.HasPrefix(digits, "0x"):
		base, digits = 16, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base, digits = 8, digits[1:]
	}
	n, err := strconv.ParseInt(sign+digits, base, 64)
	if err != nil {
		return trap(fmt.Sprintf("%s is not a number of 64 bits", shown(s)))
	}
	return resolved{kind: scalarInt, value: n}
}

// isPlain says that a scalar has neither quotes nor a tag nor is a block of text.
func isPlain(n *yaml.Node) bool { return n.Style == 0 || n.Style == yaml.FlowStyle }

// scalar reads a scalar node.
func scalar(n *yaml.Node) (any, error) {
	if n.Style&yaml.TaggedStyle != 0 {
		return taggedScalar(n)
	}
	if !isPlain(n) {
		return n.Value, nil
	}
	r := resolvePlain(n.Value)
	if r.kind == scalarTrap {
		return nil, fmt.Errorf("%s; put it in quotes", r.trap)
	}
	return r.value, nil
}

func taggedScalar(n *yaml.Node) (any, error) {
	r := resolvePlain(n.Value)
	want := map[string]scalarKind{"!!null": scalarNull, "!!bool": scalarBool, "!!int": scalarInt, "!!float": scalarFloat}
	tag := n.ShortTag()
	if tag == "!!str" {
		return n.Value, nil
	}
	if kind, ok := want[tag]; ok && kind == r.kind {
		return r.value, nil
	}
	if tag == "!vault" {
		return nil, fmt.Errorf("the tag !vault is not supported; secrets do not belong in an inventory")
	}
	if n.Value == "" {
		return nil, fmt.Errorf("to YAML %s is a tag and no value; put words that begin with ! in quotes", shown(tag))
	}
	return nil, fmt.Errorf("the tag %s does not fit this value or is not supported", shown(tag))
}

// kindOf names the type of a value in an error message.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "a boolean"
	case int64:
		return "a number"
	case float64:
		return "a fraction"
	case string:
		return "a word"
	case []any:
		return "a list"
	}
	return "a mapping"
}
