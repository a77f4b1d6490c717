package templates

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"eucactl/jinja"
)

// versionOperators are the names of the comparisons of versions.
var versionOperators = map[string]string{"==": "eq", "=": "eq", "eq": "eq", "<": "lt", "lt": "lt", "<=": "le", "le": "le", ">": "gt", "gt": "gt",
	">=": "ge", "ge": "ge", "!=": "ne", "<>": "ne", "ne": "ne"}

// versionTest compares versions, loosely unless it is told otherwise.
func versionTest(c *jinja.Call) (any, error) {
	op, ok := versionOperators[c.Text(1, "eq")]
	if !ok {
		return nil, fmt.Errorf("no comparison %s: it is one of < <= == != >= >", shown(c.Text(1, "")))
	}
	kind := "loose"
	if c.Bool(2, false) {
		kind = "strict"
	}
	if c.Arg(3, nil) != nil {
		kind = c.Text(3, kind)
	}
	a, b := strings.TrimSpace(c.InText()), strings.TrimSpace(c.Text(0, ""))
	if a == "" || b == "" {
		return nil, errors.New("an empty version")
	}
	var order int
	var err error
	switch kind {
	case "loose":
		order, err = compareLoose(a, b)
	case "strict":
		order, err = compareStrict(a, b)
	case "semver", "semantic":
		order, err = compareSemantic(a, b)
	default:
		err = fmt.Errorf("no kind of version %s: it is loose, strict or semver", shown(kind))
	}
	if err != nil {
		return nil, err
	}
	return map[string]bool{"eq": order == 0, "ne": order != 0, "lt": order < 0, "le": order <= 0, "gt": order > 0, "ge": order >= 0}[op], nil
}

var looseParts = regexp.MustCompile(`[0-9]+|[a-z]+|\.`)

// loose cuts a version into numbers and words.
func loose(s string) (out []string) {
	last := 0
	for _, at := range looseParts.FindAllStringIndex(s, -1) {
		if at[0] > last {
			out = append(out, s[last:at[0]])
		}
		if part := s[at[0]:at[1]]; part != "." {
			out = append(out, part)
		}
		last = at[1]
	}
	if last < len(s) {
		out = append(out, s[last:])
	}
	return out
}

func compareLoose(a, b string) (int, error) {
	x, y := loose(a), loose(b)
	for i := range min(len(x), len(y)) {
		n, err := strconv.ParseUint(x[i], 10, 64)
		m, err2 := strconv.ParseUint(y[i], 10, 64)
		switch {
		case (err == nil) != (err2 == nil):
			return 0, fmt.Errorf("%s and %s cannot be compared: %s is a number and %s is a word", shown(a), shown(b), x[i], y[i])
		case err == nil && n != m:
			return cmp.Compare(n, m), nil
		case err != nil && x[i] != y[i]:
			return cmp.Compare(x[i], y[i]), nil
		}
	}
	return cmp.Compare(len(x), len(y)), nil
}

var strictVersion = regexp.MustCompile(`^(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?$`)

func compareStrict(a, b string) (int, error) {
	x, y := strictVersion.FindStringSubmatch(a), strictVersion.FindStringSubmatch(b)
	for version, m := range map[string][]string{a: x, b: y} {
		if m == nil {
			return 0, fmt.Errorf("%s is no strict version", shown(version))
		}
	}
	for i := 1; i <= 3; i++ {
		if n := compareDigits(x[i], y[i]); n != 0 {
			return n, nil
		}
	}
	if x[4] != y[4] { // a pre-release comes before what has none
		if x[4] == "" || y[4] == "" {
			return cmp.Compare(y[4], x[4]), nil
		}
		return cmp.Compare(x[4], y[4]), nil
	}
	return compareDigits(x[5], y[5]), nil
}

func compareDigits(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return cmp.Compare(len(a), len(b))
	}
	return cmp.Compare(a, b)
}

var semanticVersion = regexp.MustCompile(`^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$`)

func compareSemantic(a, b string) (int, error) {
	x, y := semanticVersion.FindStringSubmatch(a), semanticVersion.FindStringSubmatch(b)
	for version, m := range map[string][]string{a: x, b: y} {
		if m == nil {
			return 0, fmt.Errorf("%s is no semantic version", shown(version))
		}
	}
	for i := 1; i <= 3; i++ {
		if n := compareDigits(x[i], y[i]); n != 0 {
			return n, nil
		}
	}
	if x[4] == "" || y[4] == "" {
		return cmp.Compare(min(len(y[4]), 1), min(len(x[4]), 1)), nil
	}
	return slices.CompareFunc(strings.Split(x[4], "."), strings.Split(y[4], "."), func(a, b string) int {
		isNumber := func(s string) bool { return strings.Trim(s, "0123456789") == "" }
		switch {
		case isNumber(a) && isNumber(b):
			return compareDigits(a, b)
		case isNumber(a) != isNumber(b):
			return map[bool]int{true: -1, false: 1}[isNumber(a)]
		}
		return cmp.Compare(a, b)
	}), nil
}
