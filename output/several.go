package output

import "eucactl/playbooks"

// Several tells each of them everything, in their order.
type Several []playbooks.Events

// PlayStart implements playbooks.Events.
func (s Several) PlayStart(p playbooks.PlayInfo) {
	for _, e := range s {
		e.PlayStart(p)
	}
}

// TaskStart implements playbooks.Events.
func (s Several) TaskStart(t *playbooks.TaskInfo) {
	for _, e := range s {
		e.TaskStart(t)
	}
}

// Begun implements playbooks.Events.
func (s Several) Begun(host string, t *playbooks.TaskInfo) {
	for _, e := range s {
		e.Begun(host, t)
	}
}

// Result implements playbooks.Events.
func (s Several) Result(r playbooks.Result) {
	for _, e := range s {
		e.Result(r)
	}
}

// Warning implements playbooks.Events.
func (s Several) Warning(text string) {
	for _, e := range s {
		e.Warning(text)
	}
}

// Stats implements playbooks.Events.
func (s Several) Stats(stats map[string]playbooks.Stats, custom playbooks.Custom) {
	for _, e := range s {
		e.Stats(stats, custom)
	}
}

// Passed tells those who want to know how far a host has come.
func (s Several) Passed(host string, at playbooks.Place) {
	for _, one := range s {
		if o, ok := one.(playbooks.Follower); ok {
			o.Passed(host, at)
		}
	}
}

// Left tells those who want to know that a host has the play behind it.
func (s Several) Left(host string, failed bool) {
	for _, one := range s {
		if o, ok := one.(playbooks.Leaver); ok {
			o.Left(host, failed)
		}
	}
}
