package templates

import "eucactl/jinja"

// Needed is the error of whoever uses a variable whose value is not known yet. What
// tells whoever evaluates what to find out before they evaluate again.
type Needed struct{ What any }

// Error is for those who cannot find it out.
func (*Needed) Error() string { return "a value that is not known yet" }

// Need is a value for a variable, or for an element of one, that is not known yet.
// Whatever really uses it fails with an error in which errors.As finds the *Needed:
// `default` and `is defined` cannot tell either. What is not evaluated needs nothing.
func Need(what any) error { return &Needed{What: what} }

// Inherent says that filters and tests hand the error on as it is.
func (*Needed) Inherent() bool { return true }

// Undefined is a value for a variable that cannot be had: whoever uses it gets
// reason as the error, and `is defined` says no.
func Undefined(reason string) error { return &jinja.Undefined{Reason: reason} }
