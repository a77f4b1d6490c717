package plan

import (
	"fmt"
	"strings"

	"eucactl/cloud"
)

// Status is what is known of an instance now, and in words what it waits for.
type Status struct {
	State string
	Why   string
}

// StatusOf derives an instance's state from what was asked and what was seen.
func StatusOf(r Records, in cloud.Instance) Status {
	switch {
	case !in.Released.IsZero():
		return Status{cloud.StateEnded, in.Reason}
	case in.Want == cloud.Terminated:
		return Status{cloud.StateShuttingDown, waitsFor(r, in)}
	}
	if dead, ok := r.DeadHost(in.Host); ok {
		return Status{cloud.StateNotReported, fmt.Sprintf("%s was declared dead by %s: it ends with the next reconcile", in.Host, dead.Who)}
	}
	seen, _ := r.Seen(in.Host)
	d := findDomain(seen, in.ID)
	silent := silence(seen)
	c, _ := r.Cloud()
	switch {
	case d == nil:
		return Status{cloud.StatePending, waitsFor(r, in)}
	case silent != "":
		return Status{cloud.StateNotReported, silent}
	case d.Cloud != c.ID:
		return Status{cloud.StatePending, fmt.Sprintf("%s has a machine %s that is not ours: it is left alone", in.Host, in.ID)}
	case d.State == "paused":
		return Status{cloud.StateUp, fmt.Sprintf("%s shows it paused (%s)", in.Host, d.Reason)}
	case d.State == "running" || d.State == "idle":
		if d.Pending {
			return Status{cloud.StateUp, "pending restart: its definition changed"}
		}
		return Status{cloud.StateUp, ""}
	}
	return Status{cloud.StatePending, fmt.Sprintf("%s shows it %s (%s)", in.Host, d.State, d.Reason)}
}

// silence says why the host's list of machines is not of now; empty if it is.
func silence(s cloud.Seen) string {
	switch {
	case s.At.IsZero() && s.Problem == "":
		return s.Host + " was never contacted"
	case s.Problem != "":
		return fmt.Sprintf("not reported since %s: %s", s.At.UTC().Format("2006-01-02T15:04:05Z"), s.Problem)
	case s.DomainsAt.Before(s.At):
		return fmt.Sprintf("%s cannot tell: it gave no list of machines%s", s.Host, failedWords(s, "machine"))
	}
	return ""
}

func failedWords(s cloud.Seen, about string) string {
	for _, f := range s.Failed {
		if strings.Contains(f, about) {
			return " (" + f + ")"
		}
	}
	return ""
}

// waitsFor is the sentence that tells what has to happen next for an instance.
func waitsFor(r Records, in cloud.Instance) string {
	seen, _ := r.Seen(in.Host)
	if seen.Problem != "" {
		return fmt.Sprintf("waits for %s: %s", in.Host, seen.Problem)
	}
	if words := failedWords(seen, string(in.ID)); words != "" {
		return fmt.Sprintf("waits for %s%s", in.Host, words)
	}
	if d, listed := domainOf(r, in); in.Want == cloud.Terminated && listed && d == nil {
		return "waits for the frontend of " + in.Cluster
	}
	return "waits for " + in.Host
}

func findDomain(s cloud.Seen, id cloud.InstanceID) *cloud.SeenDomain {
	for i := range s.Domains {
		if s.Domains[i].Name == string(id) {
			return &s.Domains[i]
		}
	}
	return nil
}
