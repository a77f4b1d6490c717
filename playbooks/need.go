package playbooks

import (
	"errors"

	"eucactl/templates"
)

// need is what has to be found out before an expression can be evaluated: whoever
// uses a variable that only a host can give gets it as the error, the walk asks,
// and evaluates again.
type need struct {
	what   string
	result bool   // the content of a result that is on its way
	facts  string // the name of a fact
	host   string // another host, that must have reported first
	all    bool   // all hosts of the batch must have
}

// Error says what cannot be known beforehand, for those who cannot ask.
func (n *need) Error() string { return n.what }

// value is the need as the value of a variable.
func (n *need) value() error { return templates.Need(n) }

// neededBy finds the need in an error.
func neededBy(err error) *need {
	var n *need
	if errors.As(err, &n) {
		return n
	}
	var t *templates.Needed
	if errors.As(err, &t) {
		if n, ok := t.What.(*need); ok {
			return n
		}
	}
	return nil
}
