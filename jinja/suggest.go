package jinja

import (
	"errors"
	"fmt"
	"slices"
)

// Suggest is `, did you mean "x"?` for the name most like a misspelt one, or nothing.
func Suggest(name string, names []string) string {
	best, least := "", max(len(name)/3, 2)+1
	for _, n := range slices.Sorted(slices.Values(names)) {
		if d := distance(name, n, least); d < least {
			best, least = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// distance is how many letters must be changed, but no more than limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost = min(before, row[j], row[j+1]) + 1
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// Inherent tells whether an error is a value's own: who uses the value hands it on
// as it is.
func Inherent(err error) bool {
	var u *Undefined
	var own *Error
	var need interface{ Inherent() bool }
	return errors.As(err, &u) || errors.As(err, &own) || errors.As(err, &need) || errors.Is(err, errTooMuch) ||
		errors.Is(err, errTooLong) || errors.Is(err, errTooDeep)
}
