package tasks

import (
	"bufio"
	"io"
)

// An Outcome is how a task ended.
type Outcome string

// The outcomes of a task. Blocked tasks are Skipped with a Why.
const (
	OK        Outcome = "ok"
	Changed   Outcome = "changed"
	Would     Outcome = "would"     // check mode: apply would be called
	Failed    Outcome = "failed"    // apply failed, or check could not tell
	Unsettled Outcome = "unsettled" // applied, but check still says that it is not so
	Skipped   Outcome = "skipped"
	Unknown   Outcome = "unknown" // an act in check mode, or the reply ended in mid-task
)

// Bad tells whether the outcome counts as a failure.
func (o Outcome) Bad() bool { return o == Failed || o == Unsettled }

// A Result is what the host said about one task.
type Result struct {
	Index   int
	Outcome Outcome
	Cut     bool // unknown because the reply ended before the task did
	RC      int
	Words   string // what check and apply printed
	Why     string // of a skipped task: "when", or "needs N" if task N failed
	Needs   int    // the failed task that blocked it, -1 if none
	Diffed  bool   // Before was asked for and printed
	Before  string // the content before

	// Data are the fields that the kind gave, as it gave them: nothing in them is
	// made fit to be shown, and a secret is not replaced.
	Data map[string]string
}

// An Answer is the output of a section. With an RC other than 0 it says nothing
// about the host, in particular not that something is absent: its Text is empty.
type Answer struct {
	RC    int
	Text  string
	Words string // what the script wrote to stderr
}

// A Report is a host's reply to a program. Tasks that were not reached have no Result.
type Report struct {
	Hello    bool // the program ran at all
	Results  []Result
	Sections map[string]Answer

	Busy    string // another run holds the host; nothing was done
	Fenced  *Fenced
	Stopped string // why the program ended by itself
	Stage   bool   // waits for stage two, rendered with Sections["host"]
	Done    bool   // reached its end
	Words   string // said outside of tasks and sections
	Odd     int    // lines with our mark that make no sense
}

// Fenced names the controller and the program that a host obeys instead.
type Fenced struct{ Cloud, Token string }

// Hooks are told of a reply while it arrives; any may be nil. OnNeed puts the
// upload in place and answers on the program's stdin before it returns.
type Hooks struct {
	OnBegin  func(index int)
	OnResult func(Result)
	OnNeed   func(sum string)
	OnLine   func()
}

// Limits of what one reply may hold in memory or say in all.
const (
	mostWords   = 64 << 10 // per task, the last ones
	mostAnswer  = 8 << 20  // per section and difference
	mostKept    = 64 << 20
	mostReply   = 1 << 30
	mostFields  = 200 // of a result
	longestLine = 64 << 10
	longestOurs = 4 << 10
)

// Read reads a program's reply up to its end, which is not the end of r: a
// daemon that a task started may hold r open. If r is a *bufio.Reader, stage
// two can be read from it afterwards. A reply that breaks off is not an error:
// Done is false, and a task that had begun is Unknown. Secrets are replaced by
// *** in words and differences.
func Read(r io.Reader, p *Program, mark string, hooks Hooks, secrets []string) (Report, error) {
	br, ok := r.(*bufio.Reader)
	if !ok {
		br = bufio.NewReaderSize(r, longestLine)
	}
	return newReader(p, mark, hooks, secrets).from(br)
}
