package templates

import "errors"

// Needed is the error of whoever uses a variable whose value is not known yet. What
// tells whoever evaluates what to find out before they evaluate again.
type Needed struct{ What any }

// Error is for those who cannot find it out.
func (*Needed) Error() string { return "a value that is not known yet" }

// Need is a value for a variable, or for an element of one, that is not known yet.
// Whatever really uses it fails with an error in which errors.As finds the *Needed:
// `default` and `is defined` cannot tell either. What is not evaluated needs nothing.
func Need(what any) error { return &Needed{What: what} }

// needed is the need that an error comes from, or nil.
func needed(err error) error {
	var n *Needed
	if errors.As(err, &n) {
		return n
	}
	return nil
}
