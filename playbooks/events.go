package playbooks

import "time"

// Events is told what happens, for the output. Calls do not overlap. Results of
// one host come in the order of its tasks; those of different hosts in any order,
// unless something puts them in order.
type Events interface {
	PlayStart(p PlayInfo)
	// TaskStart comes once, before the first result of a task or handler.
	TaskStart(t *TaskInfo)
	// Begun: a host works on the task now. For live progress only.
	Begun(host string, t *TaskInfo)
	Result(r Result)
	// Warning is a sentence for people that belongs to no task.
	Warning(text string)
	// Stats comes last: what became of each host, and what set_stats collected.
	Stats(s map[string]Stats, c Custom)
}

// Custom is what set_stats collected: of each host, and under "" of the run.
type Custom map[string]map[string]any

// A Follower of Events also wants to know how far each host has come: it will tell
// no more of what lies before a place.
type Follower interface {
	Passed(host string, at Place)
}

// A Leaver among Events also wants to know when a host has a play behind it, or
// failed in it.
type Leaver interface {
	Left(host string, failed bool)
}

// PlayInfo is a play as it begins, once for each batch of its hosts.
type PlayInfo struct {
	Index int
	Batch int
	Name  string // its name, or else its pattern
	Where Position
	Hosts []string
	None  bool // "no hosts matched"
}

// TaskInfo is a task as it is shown.
type TaskInfo struct {
	Place   Place
	Name    string // with the role in front: "web : install"
	Action  string // the kind
	Where   Position
	Handler bool
	Play    string
	Tags    []string
}

// A Status is how a task of a host ended, in Ansible's words.
type Status string

// The statuses. Waiting is a try of a task with until that is to be repeated.
const (
	StatusOK          Status = "ok"
	StatusChanged     Status = "changed"
	StatusSkipped     Status = "skipped"
	StatusFailed      Status = "failed"
	StatusUnreachable Status = "unreachable"
	StatusWaiting     Status = "waiting"
	StatusIncluded    Status = "included"
	StatusNone        Status = "none" // it has no result that counts: include_role, meta
)

// Result is what became of a task, or of one item of its loop, on one host.
type Result struct {
	Host      string
	Task      *TaskInfo
	Status    Status
	Ignored   bool // failed, and the playbook says not to mind
	TimedOut  bool // failed or unreachable because it took too long
	Foretold  bool // check mode: it would change
	Unknown   bool // check mode: nobody can foretell it; counts as skipped
	Delegated string
	Quiet     bool // its fields are not worth showing

	// A task with a loop has a result for each item, and then one for all, which
	// is not shown but counts.
	HasItem bool
	Item    string // its label
	Loop    bool   // the result for all

	Fields map[string]any // what is registered; of no_log tasks only that it is hidden
	Diffs  []Diff
	Took   time.Duration
	Tries  int // of until
	Left   int // tries that are left
}

// A Diff is what a task changes in one object.
type Diff struct {
	Before, After             string
	BeforeHeader, AfterHeader string
	Prepared                  string // the difference itself, where the kind makes it
}

// Stats counts a host's results, as Ansible's recap does.
type Stats struct {
	OK, Changed, Unreachable, Failed, Skipped, Rescued, Ignored int
}
