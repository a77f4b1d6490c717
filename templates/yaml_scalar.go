package templates

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// A plain scalar means to YAML 1.1 what PyYAML, and so Ansible, takes it for.
var (
	yamlInt   = regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+)$`)
	yamlFloat = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	yamlSixty = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`)
	yamlTime  = regexp.MustCompile(`^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$`)
)

// yamlConstant is a word that is no text; false is another word.
func yamlConstant(s string) (v any, ok bool) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil, true
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return true, true
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return false, true
	}
	return nil, false
}

// yamlIsText tells whether a plain scalar is a text.
func yamlIsText(s string) bool {
	if _, constant := yamlConstant(s); constant || s == "=" || s == "<<" {
		return false
	}
	return !yamlInt.MatchString(s) && !yamlFloat.MatchString(s) && !yamlSixty.MatchString(s) && !yamlTime.MatchString(s)
}

// yamlPlain is the value of a plain scalar; dates stay texts.
func yamlPlain(s string) any {
	if v, constant := yamlConstant(s); constant {
		return v
	}
	switch {
	case yamlInt.MatchString(s):
		if n, ok := yamlWhole(strings.ReplaceAll(s, "_", "")); ok {
			return n
		}
	case yamlFloat.MatchString(s):
		return yamlReal(strings.ToLower(strings.ReplaceAll(s, "_", "")))
	case yamlSixty.MatchString(s):
		return yamlBase60(strings.ReplaceAll(s, "_", ""))
	}
	return s
}

func yamlWhole(s string) (int64, bool) {
	sign := ""
	if s[0] == '-' || s[0] == '+' {
		sign, s = s[:1], s[1:]
	}
	if len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '7' {
		s = "0o" + s[1:]
	}
	n, err := strconv.ParseInt(sign+s, 0, 64)
	return n, err == nil
}

func yamlReal(s string) float64 {
	switch s {
	case ".inf", "+.inf":
		return math.Inf(1)
	case "-.inf":
		return math.Inf(-1)
	case ".nan":
		return math.NaN()
	}
	f, _ := strconv.ParseFloat(s, 64) // of the greatest it is infinite
	return f
}

func yamlBase60(s string) any {
	sign := 1.0
	if s[0] == '-' || s[0] == '+' {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	total := 0.0
	for part := range strings.SplitSeq(s, ":") {
		f, _ := strconv.ParseFloat(part, 64)
		total = total*60 + f
	}
	if strings.Contains(s, ".") || total > 1<<53 {
		return sign * total
	}
	return int64(sign * total)
}
