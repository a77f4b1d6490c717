package jinja

import (
	"errors"
	"fmt"
	"slices"

	"eucactl/spelling"
)

// Suggest is `, did you mean "x"?` for the name most like a misspelt one, or nothing.
func Suggest(name string, names []string) string {
	best := spelling.Nearest(name, slices.Sorted(slices.Values(names)))
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
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
