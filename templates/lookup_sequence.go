package templates

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"eucactl/jinja"
)

// sequence is what the lookup of that name counts.
type sequence struct {
	start, end, stride int64
	count              int64
	hasEnd, hasCount   bool
	format             string
}

// shortSequence is START-END/STRIDE:FORMAT, all but END optional.
var shortSequence = regexp.MustCompile(`^(?:(0x[0-9a-fA-F]+|0[0-7]+|[0-9]+)-)?(0x[0-9a-fA-F]+|0[0-7]+|[0-9]+)(?:/(-?[0-9]+))?(?::(.+))?$`)

func lookupSequence(c *jinja.Call, terms []any, options map[string]any) ([]any, error) {
	out := []any{}
	for _, term := range terms {
		q := sequence{start: 1, stride: 1, format: "%d"}
		for key, v := range options {
			if err := q.set(key, jinja.Str(v)); err != nil {
				return nil, err
			}
		}
		if err := q.parse(jinja.Str(term)); err != nil {
			return nil, err
		}
		items, err := q.items(c)
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}

func (q *sequence) parse(text string) error {
	if m := shortSequence.FindStringSubmatch(strings.TrimSpace(text)); m != nil {
		for i, key := range []string{"start", "end", "stride", "format"} {
			if m[i+1] == "" {
				continue
			}
			if err := q.set(key, m[i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	for word := range strings.FieldsSeq(text) {
		key, v, ok := strings.Cut(word, "=")
		if !ok {
			return fmt.Errorf("%s is no sequence", shown(text))
		}
		if err := q.set(key, v); err != nil {
			return err
		}
	}
	return nil
}

func (q *sequence) set(key, v string) error {
	if key == "format" {
		q.format = v
		return nil
	}
	n, err := strconv.ParseInt(v, 0, 64)
	if err != nil {
		return fmt.Errorf("%s is no whole number", shown(v))
	}
	switch key {
	case "start":
		q.start = n
	case "end":
		q.end, q.hasEnd = n, true
	case "stride":
		q.stride = n
	case "count":
		q.count, q.hasCount = n, true
	default:
		return fmt.Errorf("it takes start, end, stride, count and format, not %s", key)
	}
	return nil
}

const maxSequence = 1 << 20

func (q *sequence) items(c *jinja.Call) ([]any, error) {
	switch {
	case q.hasEnd == q.hasCount:
		return nil, errors.New("it takes either an end or a count")
	case q.hasCount && q.count == 0:
		return []any{}, nil
	case q.hasCount:
		if q.count < 0 || q.count > maxSequence {
			return nil, fmt.Errorf("a count of 0 to %d", maxSequence)
		}
		q.end = q.start + q.count*q.stride - q.stride
	}
	switch {
	case q.stride == 0:
		return []any{}, nil
	case q.stride > 0 && q.end < q.start:
		return nil, errors.New("to count backwards make stride negative")
	case q.stride < 0 && q.end > q.start:
		return nil, errors.New("to count forward don't make stride negative")
	}
	if strings.Count(q.format, "%")-2*strings.Count(q.format, "%%") != 1 {
		return nil, fmt.Errorf("the format %s has not one number in it", shown(q.format))
	}
	out := []any{}
	for i := q.start; q.stride > 0 && i <= q.end || q.stride < 0 && i >= q.end; i += q.stride {
		if len(out) >= maxSequence {
			return nil, fmt.Errorf("more than %d numbers", maxSequence)
		}
		v, err := c.Filter("format", q.format, []any{i}, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
