package templates

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"eucactl/jinja"
)

// mathFilters reckon with numbers and with sizes.
func mathFilters() map[string]jinja.Filter {
	return map[string]jinja.Filter{
		"human_readable": jinja.F("isbits unit", humanReadable),
		"human_to_bytes": jinja.F("default_unit isbits", humanToBytes),
		"log":            jinja.F("base", logarithm),
		"pow":            jinja.F("y", func(c *jinja.Call) (any, error) { return raised(c, c.Float(0, 1)) }),
		"root":           jinja.F("base", func(c *jinja.Call) (any, error) { return raised(c, 1/c.Float(0, 2)) }),
	}
}

func inFloat(c *jinja.Call) (float64, error) {
	f, ok := jinja.Float(c.In)
	if !ok {
		return 0, fmt.Errorf("%s is no number", describe(c.In))
	}
	return f, nil
}

func logarithm(c *jinja.Call) (any, error) {
	x, err := inFloat(c)
	if err != nil {
		return nil, err
	}
	base := c.Float(0, math.E)
	if x <= 0 || base <= 0 || base == 1 {
		return nil, errors.New("there is no such logarithm")
	}
	switch {
	case base == 10:
		return math.Log10(x), nil
	case !c.Has(0):
		return math.Log(x), nil
	}
	return math.Log(x) / math.Log(base), nil
}

func raised(c *jinja.Call, y float64) (any, error) {
	x, err := inFloat(c)
	if err != nil {
		return nil, err
	}
	if c.Name == "root" && y == 0.5 {
		if x < 0 {
			return nil, errors.New("there is no such root")
		}
		return math.Sqrt(x), nil
	}
	v := math.Pow(x, y)
	if n := math.Round(v); c.Name == "root" && math.Pow(n, math.Round(1/y)) == x {
		v = n // what is whole in C's library is not always in Go's
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, errors.New("there is no such number")
	}
	return v, nil
}

const sizeUnits = "YZEPTGMKB"

// sizeOf is how much a unit is.
func sizeOf(unit byte) float64 {
	return math.Pow(1024, float64(len(sizeUnits)-1-strings.IndexByte(sizeUnits, unit)))
}

func humanReadable(c *jinja.Call) (any, error) {
	size, err := inFloat(c)
	if err != nil {
		return nil, err
	}
	base := "Bytes"
	if c.Bool(0, false) {
		base = "bits"
	}
	unit := strings.ToUpper(c.Text(1, ""))
	if c.Arg(1, nil) == nil {
		unit = ""
	}
	for _, u := range []byte(sizeUnits) {
		limit := sizeOf(u)
		if unit == "" && size < limit && u != 'B' || unit != "" && unit != string(u) && u != 'B' {
			continue
		}
		suffix := base
		if u != 'B' {
			suffix = string(u) + base[:1]
		}
		return fmt.Sprintf("%.2f %s", size/limit, suffix), nil
	}
	return nil, fmt.Errorf("no unit %s", shown(unit))
}

var sizeText = regexp.MustCompile(`^\s*(\d*\.?\d*)\s*([A-Za-z]+)?`)

func humanToBytes(c *jinja.Call) (any, error) {
	text := c.InText()
	m := sizeText.FindStringSubmatch(text)
	if m == nil || m[1] == "" {
		return nil, fmt.Errorf("%s is no size", shown(text))
	}
	number, err := jinja.ParseFloat(m[1])
	if err != nil {
		return nil, fmt.Errorf("%s is no size", shown(text))
	}
	unit := m[2]
	if unit == "" && c.Arg(0, nil) != nil {
		unit = c.Text(0, "")
	}
	if unit == "" {
		return int64(math.RoundToEven(number)), nil
	}
	bits := c.Bool(1, false)
	first := strings.ToUpper(unit[:1])
	if !strings.Contains(sizeUnits, first) {
		return nil, fmt.Errorf("no unit %s", shown(unit))
	}
	word := map[bool]string{true: "bit", false: "byte"}[bits]
	letter := map[bool]string{true: "b", false: "B"}[bits]
	rest := unit[1:]
	ok := rest == "" || rest == letter || first == "B" && strings.HasPrefix(word, strings.ToLower(unit))
	if full, isWord := map[string]string{"K": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta", "E": "exa", "Z": "zetta", "Y": "yotta"}[first]; isWord {
		low := strings.ToLower(unit)
		ok = ok || low == full+word || low == full+word+"s"
	} else {
		ok = ok || strings.ToLower(unit) == word || strings.ToLower(unit) == word+"s"
	}
	if !ok {
		return nil, fmt.Errorf("the unit %s is not of %ss", shown(unit), word)
	}
	size := math.RoundToEven(number * sizeOf(first[0]))
	if size >= 1<<63 {
		return nil, errors.New("the number is too large")
	}
	return int64(size), nil
}
