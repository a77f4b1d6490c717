package controller

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"eucactl/remote"
	"eucactl/tasks"
)

// Outcomes of a host, from best to worst.
const (
	HostOK          = "ok"
	HostChanged     = "changed"
	HostWould       = "would"
	HostDead        = "dead" // declared dead: not contacted
	HostFailed      = "failed"
	HostUnreachable = "unreachable"
	HostBusy        = "busy"
	HostFenced      = "fenced"
)

// HostReport is what became of one host, in all rounds together.
type HostReport struct {
	Host    string       `json:"host"`
	Outcome string       `json:"outcome"`
	Words   string       `json:"words,omitempty"` // why there is no better outcome
	Next    string       `json:"next,omitempty"`  // the next command to try
	OK      int          `json:"ok"`
	Changed int          `json:"changed"`
	Would   int          `json:"would"`
	Failed  int          `json:"failed"`
	Skipped int          `json:"skipped"`
	Unknown int          `json:"unknown"` // acts in a check; the task in which a reply broke off
	Rounds  int          `json:"rounds"`
	Tasks   []TaskReport `json:"tasks,omitempty"` // those that were not simply ok
	// Warnings are about what is well, but may not stay so; they change no outcome.
	Warnings []string `json:"warnings,omitempty"`
}

// TaskReport is a task that changed, would change, failed or could not be told.
type TaskReport struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Outcome string `json:"outcome"`
	Words   string `json:"words,omitempty"`
	Diff    string `json:"diff,omitempty"`
}

// answered says whether the host gave a whole answer.
func (r HostReport) answered() bool {
	return r.Outcome == HostOK || r.Outcome == HostChanged
}

// merge adds a round's reports to those of the rounds before.
func (r *Reconciled) merge(round []HostReport) {
	for _, now := range round {
		now.Rounds = 1
		i := slices.IndexFunc(r.Hosts, func(h HostReport) bool { return h.Host == now.Host })
		if i < 0 {
			r.Hosts = append(r.Hosts, now)
			continue
		}
		was := &r.Hosts[i]
		if now.Outcome == HostOK && was.Outcome == HostChanged {
			now.Outcome = HostChanged
		}
		now.Changed += was.Changed
		now.Tasks = append(was.Tasks, now.Tasks...)
		now.Rounds += was.Rounds
		*was = now
	}
}

// ExitCode is the code of eucactl reconcile: 0 converged, 2 a host failed, 4 one
// was unreachable, 5 one was busy or fenced, and 3 drift in a check.
func (r Reconciled) ExitCode() (code int) {
	rank := map[string]int{HostWould: 3, HostFailed: 2, HostUnreachable: 4, HostBusy: 5, HostFenced: 5}
	worst := []int{0, 3, 5, 4, 2} // what is worth more attention comes later
	for _, h := range r.Hosts {
		if c := rank[h.Outcome]; slices.Index(worst, c) > slices.Index(worst, code) {
			code = c
		}
	}
	return code
}

// count turns a program's results into the host's figures and its notable tasks.
func (r *HostReport) count(p *tasks.Program, results []tasks.Result) {
	for _, res := range results {
		switch res.Outcome {
		case tasks.OK:
			r.OK++
			continue
		case tasks.Skipped:
			r.Skipped++
			continue
		case tasks.Changed:
			r.Changed++
		case tasks.Would:
			r.Would++
		case tasks.Unknown:
			r.Unknown++
		default:
			r.Failed++
		}
		task := p.Tasks[res.Index]
		r.Tasks = append(r.Tasks, TaskReport{
			Name: task.Name, Kind: task.Kind, Outcome: string(res.Outcome), Words: strings.TrimSpace(res.Words), Diff: diff(p, res),
		})
	}
}

// judge derives the host's outcome from what its program said.
func (r *HostReport) judge(rep tasks.Report) {
	switch {
	case rep.Busy != "":
		r.Outcome, r.Words = HostBusy, rep.Busy
		r.Next = "wait for the other run to end, then: eucactl reconcile " + r.Host
	case rep.Fenced != nil:
		r.Outcome = HostFenced
		r.Words = fmt.Sprintf("the host obeys cloud %s (token %s), which this controller's records do not know: another controller, or newer records than these", rep.Fenced.Cloud, rep.Fenced.Token)
		r.Next = "only if this controller is the right one: eucactl hosts take-over " + r.Host
	case !rep.Done && r.Failed == 0:
		r.Outcome, r.Words = HostFailed, "the program did not reach its end"
		if rep.Stopped != "" {
			r.Words = rep.Stopped
		}
		r.Next = "eucactl reconcile " + r.Host
	case r.Failed > 0:
		r.Outcome = HostFailed
		r.Words = r.firstFailure()
		r.Next = "eucactl reconcile " + r.Host + " --check --diff"
	case r.Would+r.Unknown > 0:
		r.Outcome = HostWould
	case r.Changed > 0:
		r.Outcome = HostChanged
	default:
		r.Outcome = HostOK
	}
}

func (r *HostReport) firstFailure() string {
	for _, t := range r.Tasks {
		if tasks.Outcome(t.Outcome).Bad() {
			return t.Name + ": " + t.Outcome + ": " + lastLine(t.Words)
		}
	}
	return ""
}

func lastLine(words string) string {
	lines := strings.Split(strings.TrimSpace(words), "\n")
	return lines[len(lines)-1]
}

// broken: the answer ended in an error before the program did. A task that failed
// before is still what matters most.
func (r *HostReport) broken(err error) {
	if r.Failed > 0 {
		return
	}
	r.Outcome, r.Words, r.Next = HostFailed, err.Error(), "eucactl reconcile "+r.Host
	if remote.Unreachable(err) {
		r.Outcome, r.Words = HostUnreachable, "the answer broke off: "+err.Error()
	}
}

// unreached says why there was no answer, and what to do.
func (r *HostReport) unreached(err error) {
	r.Outcome, r.Words = HostUnreachable, err.Error()
	var unknown *remote.UnknownHostError
	var changed *remote.ChangedHostKeyError
	switch {
	case errors.As(err, &unknown):
		r.Next = "eucactl hosts scan " + r.Host
	case errors.As(err, &changed):
		r.Next = "" // its words say what to do
	default:
		r.Next = "ssh to the host by hand; describe-instances shows what is not reported meanwhile"
	}
}
