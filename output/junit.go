package output

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"

	"eucactl/playbooks"
)

// JUnit gathers a run as a JUnit file: a suite a play, a case for each task of a host.
type JUnit struct {
	name   string
	suites []suite
}

// NewJUnit gathers the run of the playbook of that name; Write writes it down.
func NewJUnit(name string) *JUnit { return &JUnit{name: name} }

type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	Suites  []suite  `xml:"testsuite"`
}

type suite struct {
	Name     string `xml:"name,attr"`
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Time     string `xml:"time,attr"`
	Cases    []kase `xml:"testcase"`

	took time.Duration
}

type kase struct {
	Name    string  `xml:"name,attr"`
	Class   string  `xml:"classname,attr"` // where the task is written
	Time    string  `xml:"time,attr"`
	Failure *reason `xml:"failure"`
	Error   *reason `xml:"error"` // unreachable
	Skipped *reason `xml:"skipped"`
}

type reason struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// PlayStart implements playbooks.Events.
func (j *JUnit) PlayStart(p playbooks.PlayInfo) {
	if p.Batch == 0 || len(j.suites) == 0 {
		j.suites = append(j.suites, suite{Name: harmless(p.Name)})
	}
}

// Result implements playbooks.Events.
func (j *JUnit) Result(r playbooks.Result) {
	if r.HasItem || r.Task == nil || r.Status == playbooks.StatusWaiting || r.Status == playbooks.StatusIncluded {
		return
	}
	if len(j.suites) == 0 {
		j.suites = append(j.suites, suite{Name: j.name})
	}
	s := &j.suites[len(j.suites)-1]
	c := kase{Name: harmless("[" + r.Host + "] " + r.Task.Name), Class: r.Task.Where.String(), Time: seconds(r.Took)}
	why := &reason{Message: harmless(text(r.Fields["msg"])), Text: harmless(compact(r.Fields))}
	switch {
	case r.Status == playbooks.StatusFailed && !r.Ignored:
		c.Failure = why
		s.Failures++
	case r.Status == playbooks.StatusUnreachable && !r.Ignored:
		c.Error = why
		s.Errors++
	case r.Status == playbooks.StatusSkipped:
		c.Skipped = &reason{Message: harmless(text(r.Fields["skip_reason"]))}
		s.Skipped++
	}
	s.Tests++
	s.took += r.Took
	s.Cases = append(s.Cases, c)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// Write writes the file.
func (j *JUnit) Write(w io.Writer) error {
	for i := range j.suites {
		j.suites[i].Time = seconds(j.suites[i].took)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suites{Name: j.name, Suites: j.suites}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// What a JUnit file has no place for.

func (*JUnit) TaskStart(*playbooks.TaskInfo)                      {}
func (*JUnit) Begun(string, *playbooks.TaskInfo)                  {}
func (*JUnit) Warning(string)                                     {}
func (*JUnit) Stats(map[string]playbooks.Stats, playbooks.Custom) {}
