package inventory

import (
	"fmt"
	"strconv"
	"strings"
)

// span is one [begin:end:step] of a host name, as the words it stands for.
type span struct {
	begin, end, step int
	width            int  // digits to pad to with zeros
	letter           bool // begin and end are letters
}

func (s span) count() int { return (s.end-s.begin)/s.step + 1 }

func (s span) word(i int) string {
	n := s.begin + i*s.step
	if s.letter {
		return string(rune(n))
	}
	return fmt.Sprintf("%0*d", s.width, n)
}

// expandHosts lists the host names that a key under hosts stands for:
// node[01:40] keeps its zeros, [a:f] counts letters, [1:10:2] takes every other.
// At most limit names are made.
func expandHosts(pattern string, limit int) ([]string, error) {
	literals, spans, err := splitRanges(pattern)
	if err != nil {
		return nil, err
	}
	total := 1
	for _, s := range spans {
		total *= s.count()
		if total > limit {
			return nil, fmt.Errorf("%s stands for more than %d hosts", shown(pattern), limit)
		}
	}
	names := []string{literals[0]}
	for i, s := range spans {
		next := make([]string, 0, len(names)*s.count())
		for _, head := range names {
			for j := range s.count() {
				next = append(next, head+s.word(j)+literals[i+1])
			}
		}
		names = next
	}
	return names, nil
}

// splitRanges cuts a pattern into the words around its ranges and the ranges.
func splitRanges(pattern string) ([]string, []span, error) {
	var literals []string
	var spans []span
	rest := pattern
	for {
		head, tail, found := strings.Cut(rest, "[")
		if strings.Contains(head, "]") {
			return nil, nil, fmt.Errorf("%s has a ] without a [", shown(pattern))
		}
		literals = append(literals, head)
		if !found {
			return literals, spans, nil
		}
		inside, after, closed := strings.Cut(tail, "]")
		if !closed {
			return nil, nil, fmt.Errorf("%s has a [ without a ]", shown(pattern))
		}
		s, err := parseSpan(inside)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", shown(pattern), err)
		}
		// A chain of ranges can only grow: more than ten of at least two is a bomb.
		if spans = append(spans, s); len(spans) > 10 {
			return nil, nil, fmt.Errorf("%s has more than 10 ranges", shown(pattern))
		}
		rest = after
	}
}

func parseSpan(s string) (span, error) {
	parts := strings.Split(s, ":")
	if len(parts) != 2 && len(parts) != 3 {
		return span{}, fmt.Errorf("a range is [first:last] or [first:last:step], not %s", shown("["+s+"]"))
	}
	out := span{step: 1}
	if len(parts) == 3 {
		n, err := smallNumber(parts[2])
		if err != nil || n < 1 {
			return span{}, fmt.Errorf("the step of a range is a number from 1, not %s", shown(parts[2]))
		}
		out.step = n
	}
	begin, end := parts[0], parts[1]
	if isLetter(begin) && isLetter(end) {
		out.letter, out.begin, out.end = true, int(begin[0]), int(end[0])
		if (begin[0] >= 'a') != (end[0] >= 'a') {
			return span{}, fmt.Errorf("a range of letters stays within small or capital letters, unlike %s", shown("["+s+"]"))
		}
	} else if err := out.numbers(begin, end); err != nil {
		return span{}, err
	}
	if out.begin > out.end {
		return span{}, fmt.Errorf("the range [%s] ends before it begins", s)
	}
	return out, nil
}

func (s *span) numbers(begin, end string) error {
	var err error
	if s.begin, err = smallNumber(begin); err != nil {
		return err
	}
	if s.end, err = smallNumber(end); err != nil {
		return err
	}
	padded := len(begin) > 1 && begin[0] == '0' || len(end) > 1 && end[0] == '0'
	if padded && len(begin) != len(end) {
		return fmt.Errorf("a range padded with zeros has as many digits at both ends, unlike [%s:%s]", begin, end)
	}
	if padded {
		s.width = len(begin)
	}
	return nil
}

func smallNumber(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || len(s) > 9 {
		return 0, fmt.Errorf("%s is no number of at most nine digits, nor a letter", shown(s))
	}
	return int(n), nil
}

func isLetter(s string) bool {
	return len(s) == 1 && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z')
}
