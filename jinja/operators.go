package jinja

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
)

var errNumber = errors.New("the number is too large")

// number is a value as Python counts with it; booleans are 0 and 1.
func number(v any) (i int64, f float64, whole, ok bool) {
	switch v := v.(type) {
	case int64:
		return v, float64(v), true, true
	case bool:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case float64:
		return 0, v, false, true
	}
	return 0, 0, false, false
}

// Adder is an object that other things can be added to or taken from.
type Adder interface {
	Add(other any, minus bool) (any, error)
}

func (r *run) binary(op string, left, right any) (any, error) {
	if op == "~" {
		return r.concat(left, right)
	}
	a, fa, wholeA, okA := number(left)
	b, fb, wholeB, okB := number(right)
	if okA && okB {
		if wholeA && wholeB && op != "/" {
			return wholeResult(op, a, b)
		}
		return floatResult(op, fa, fb)
	}
	if d, ok := left.(Adder); ok && (op == "+" || op == "-") {
		return d.Add(right, op == "-")
	}
	switch l := left.(type) {
	case string:
		if s, ok := right.(string); ok && op == "+" {
			return l + s, r.spendText(len(l) + len(s))
		}
		if op == "%" {
			return r.percent(l, right)
		}
	}
	if op == "+" {
		if x, ok, err := r.joined(left, right); ok || err != nil {
			return x, err
		}
	}
	if op == "*" {
		if okA && wholeA {
			left, right, b, okB, wholeB = right, left, a, true, true
		}
		if okB && wholeB {
			if x, ok, err := r.repeated(left, b); ok || err != nil {
				return x, err
			}
		}
	}
	return nil, fmt.Errorf("%s %s %s: these cannot be reckoned together", Describe(left), op, Describe(right))
}

// spendText spends for a text of n bytes, and refuses it if it is too long.
func (r *run) spendText(n int) error {
	if n > maxText {
		return errTooLong
	}
	return r.spend(n / 16)
}

func (r *run) concat(left, right any) (any, error) {
	a, err := str(left)
	if err != nil {
		return nil, err
	}
	b, err := str(right)
	if err != nil {
		return nil, err
	}
	return a + b, r.spendText(len(a) + len(b))
}

// joined is the sum of two lists or of two tuples.
func (r *run) joined(left, right any) (any, bool, error) {
	switch a := left.(type) {
	case []any:
		if b, ok := right.([]any); ok {
			return append(append(make([]any, 0, len(a)+len(b)), a...), b...), true, r.spend(len(a) + len(b))
		}
	case Tuple:
		if b, ok := right.(Tuple); ok {
			return append(append(make(Tuple, 0, len(a)+len(b)), a...), b...), true, r.spend(len(a) + len(b))
		}
	}
	return nil, false, nil
}

func (r *run) repeated(v any, n int64) (any, bool, error) {
	n = max(n, 0)
	if s, ok := v.(string); ok {
		if n > 0 && int64(len(s)) > maxText/n {
			return nil, true, errTooLong
		}
		return strings.Repeat(s, int(n)), true, r.spendText(len(s) * int(n))
	}
	list, ok := sequence(v)
	if !ok {
		return nil, false, nil
	}
	if n > maxRange || n*int64(len(list)) > maxRange {
		return nil, true, errTooMuch
	}
	out := make([]any, 0, int(n)*len(list))
	for range n {
		for _, item := range list {
			if err := r.weigh(item); err != nil {
				return nil, true, err
			}
		}
		out = append(out, list...)
	}
	if _, tuple := v.(Tuple); tuple {
		return Tuple(out), true, nil
	}
	return out, true, nil
}

// wholeResult reckons with whole numbers, and fails where Python's would grow
// beyond 64 bits.
func wholeResult(op string, a, b int64) (any, error) {
	switch op {
	case "+":
		c := a + b
		if (c > a) != (b > 0) && b != 0 {
			return nil, errNumber
		}
		return c, nil
	case "-":
		c := a - b
		if (c < a) != (b > 0) && b != 0 {
			return nil, errNumber
		}
		return c, nil
	case "*":
		return product(a, b)
	case "//", "%":
		if b == 0 {
			return nil, errors.New("a division by zero")
		}
		if b == -1 {
			if op == "%" {
				return int64(0), nil
			}
			return product(a, -1)
		}
		q, m := a/b, a%b
		if m != 0 && (m < 0) != (b < 0) {
			q, m = q-1, m+b
		}
		if op == "%" {
			return m, nil
		}
		return q, nil
	case "**":
		return power(a, b)
	}
	return nil, fmt.Errorf("no operator %q", op)
}

func product(a, b int64) (any, error) {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	negative := (a < 0) != (b < 0)
	if hi != 0 || lo > math.MaxInt64 && !(negative && lo == 1<<63) {
		return nil, errNumber
	}
	if negative {
		return -int64(lo), nil
	}
	return int64(lo), nil
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

func power(a, b int64) (any, error) {
	if b < 0 {
		return floatResult("**", float64(a), float64(b))
	}
	out := int64(1)
	if a == 0 || a == 1 || a == -1 {
		b = b%2 + 2*min(b, 1) // the sign alone matters
	}
	for ; b > 0; b-- {
		v, err := product(out, a)
		if err != nil {
			return nil, err
		}
		out = v.(int64)
	}
	return out, nil
}

func floatResult(op string, a, b float64) (any, error) {
	switch op {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "/", "//", "%":
		if b == 0 {
			return nil, errors.New("a division by zero")
		}
		switch op {
		case "/":
			return a / b, nil
		case "//":
			return math.Floor(a / b), nil
		}
		m := math.Mod(a, b)
		if m != 0 && (m < 0) != (b < 0) {
			m += b
		}
		return m, nil
	case "**":
		if a == 0 && b < 0 {
			return nil, errors.New("a division by zero")
		}
		v := math.Pow(a, b)
		if math.IsInf(v, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
			return nil, errNumber
		}
		return v, nil
	}
	return nil, fmt.Errorf("no operator %q", op)
}
