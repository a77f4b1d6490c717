package jinja

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

func filterAbs(c *Call) (any, error) {
	n, f, whole, ok := number(c.In)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s is no number", Describe(c.In))
	case !whole:
		return math.Abs(f), nil
	case n == math.MinInt64:
		return nil, errNumber
	}
	return max(n, -n), nil
}

// filterInt is the whole number that a value is or says, or the default.
func filterInt(c *Call) (any, error) {
	otherwise := c.Arg(0, int64(0))
	s, text := c.In.(string)
	if !text {
		n, f, whole, ok := number(c.In)
		switch {
		case ok && whole:
			return n, nil
		case ok && math.Abs(f) < 1<<63:
			return int64(f), nil
		case ok:
			return nil, errNumber
		}
		return otherwise, nil
	}
	base := c.Int(1, 10)
	if base != 0 && (base < 2 || base > 36) {
		return nil, errors.New("the base is 0, or from 2 to 36")
	}
	s = strings.TrimSpace(s)
	if n, err := parseInt(s, base); err == nil {
		return n, nil
	} else if errors.Is(err, strconv.ErrRange) {
		return nil, errNumber
	}
	if f, err := ParseFloat(s); err == nil && math.Abs(f) < 1<<63 {
		return int64(f), nil
	}
	return otherwise, nil
}

// parseInt reads what Python's int reads: 0x, 0o and 0b where the base is theirs.
func parseInt(s string, base int) (int64, error) {
	if base == 16 || base == 8 || base == 2 {
		sign := ""
		if s != "" && (s[0] == '-' || s[0] == '+') {
			sign, s = s[:1], s[1:]
		}
		prefix := map[int]string{16: "0x", 8: "0o", 2: "0b"}[base]
		s = sign + strings.TrimPrefix(strings.ToLower(s), prefix)
	}
	if base == 10 {
		s = strings.ReplaceAll(s, "_", "")
	}
	return strconv.ParseInt(s, base, 64)
}

// ParseFloat reads what Python's float reads.
func ParseFloat(s string) (float64, error) {
	if strings.ContainsAny(s, "xXpP_") {
		return 0, strconv.ErrSyntax
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if errors.Is(err, strconv.ErrRange) {
		err = nil
	}
	return f, err
}

func filterFloat(c *Call) (any, error) {
	if s, ok := c.In.(string); ok {
		if f, err := ParseFloat(s); err == nil {
			return f, nil
		}
		return c.Arg(0, 0.0), nil
	}
	if _, f, _, ok := number(c.In); ok {
		return f, nil
	}
	return c.Arg(0, 0.0), nil
}

func filterRound(c *Call) (any, error) {
	_, f, whole, ok := number(c.In)
	if !ok {
		return nil, fmt.Errorf("%s is no number", Describe(c.In))
	}
	digits := c.Int(0, 0)
	scale := math.Pow(10, float64(digits))
	switch method := c.Text(1, "common"); method {
	case "ceil":
		return math.Ceil(f*scale) / scale, nil
	case "floor":
		return math.Floor(f*scale) / scale, nil
	case "common":
		if n, _, _, _ := number(c.In); whole && digits >= 0 {
			return n, nil
		}
		if f = roundTo(f, digits); whole && math.Abs(f) < 1<<53 {
			return int64(f), nil
		}
		return f, nil
	default:
		return nil, fmt.Errorf("%s is not common, ceil or floor", Quoted(method))
	}
}

// roundTo rounds to decimal digits, halves to the even digit, as Python does.
func roundTo(f float64, digits int) float64 {
	if math.IsInf(f, 0) || math.IsNaN(f) || digits > 300 {
		return f
	}
	if digits >= 0 {
		out, err := strconv.ParseFloat(new(big.Float).SetPrec(200).SetFloat64(f).Text('f', digits), 64)
		if err != nil {
			return f
		}
		return out
	}
	scale := math.Pow(10, float64(-digits))
	return math.RoundToEven(f/scale) * scale
}

func filterFileSize(c *Call) (any, error) {
	size, ok := Float(c.In)
	if s, isText := c.In.(string); isText {
		f, err := ParseFloat(s)
		size, ok = f, err == nil
	}
	if !ok {
		return nil, fmt.Errorf("%s is no size", Describe(c.In))
	}
	base, units := 1000.0, "kMGTPEZY"
	suffix := "B"
	if c.Bool(0, false) {
		base, units, suffix = 1024, "KMGTPEZY", "iB"
	}
	switch {
	case size == 1:
		return "1 Byte", nil
	case size < base:
		return fmt.Sprintf("%d Bytes", int64(size)), nil
	}
	for i, u := range units {
		unit := math.Pow(base, float64(i+2))
		if size < unit || i == len(units)-1 {
			return fmt.Sprintf("%.1f %c%s", base*size/unit, u, suffix), nil
		}
	}
	return "", nil
}
