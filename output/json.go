package output

import (
	"encoding/json"
	"io"

	"eucactl/playbooks"
)

// JSON writes one object a line for everything that happens: "event" says what.
type JSON struct{ e *json.Encoder }

// NewJSON writes to w.
func NewJSON(w io.Writer) *JSON {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &JSON{e}
}

type playEvent struct {
	Event string   `json:"event"` // play
	Play  string   `json:"play"`
	Batch int      `json:"batch"`
	Hosts []string `json:"hosts"`
}

type taskEvent struct {
	Event   string   `json:"event"` // task
	Play    string   `json:"play"`
	Task    string   `json:"task"`
	Action  string   `json:"action"`
	Path    string   `json:"path"` // file:line
	Handler bool     `json:"handler,omitempty"`
	Tags    []string `json:"tags,omitempty"`
}

type resultEvent struct {
	Event     string      `json:"event"` // result
	Host      string      `json:"host"`
	Task      string      `json:"task"`
	Action    string      `json:"action"`
	Status    string      `json:"status"` // ok changed skipped failed unreachable waiting included
	Item      *string     `json:"item,omitempty"`
	Loop      bool        `json:"loop,omitempty"` // the result for all items
	Ignored   bool        `json:"ignored,omitempty"`
	TimedOut  bool        `json:"timed_out,omitempty"`
	Foretold  bool        `json:"foretold,omitempty"` // check mode
	Unknown   bool        `json:"unknown,omitempty"`  // check mode: cannot be foretold
	Delegated string      `json:"delegated_to,omitempty"`
	Seconds   float64     `json:"seconds"`
	Diff      []diffEvent `json:"diff,omitempty"`
	Result    any         `json:"result,omitempty"`
}

type diffEvent struct {
	Before       string `json:"before"`
	After        string `json:"after"`
	BeforeHeader string `json:"before_header,omitempty"`
	AfterHeader  string `json:"after_header,omitempty"`
	Prepared     string `json:"prepared,omitempty"`
}

type statsEvent struct {
	Event string                `json:"event"` // stats
	Hosts map[string]statsCount `json:"hosts"`

	// What set_stats collected, of the run and of hosts.
	Run    map[string]any   `json:"run,omitempty"`
	Custom playbooks.Custom `json:"custom,omitempty"`
}

type statsCount struct {
	OK          int `json:"ok"`
	Changed     int `json:"changed"`
	Unreachable int `json:"unreachable"`
	Failed      int `json:"failed"`
	Skipped     int `json:"skipped"`
	Rescued     int `json:"rescued"`
	Ignored     int `json:"ignored"`
}

// say writes a line; that it did not arrive is noticed by whoever owns the stream.
func (j *JSON) say(v any) { _ = j.e.Encode(v) }

// PlayStart implements playbooks.Events.
func (j *JSON) PlayStart(p playbooks.PlayInfo) {
	hosts := p.Hosts
	if hosts == nil {
		hosts = []string{}
	}
	j.say(playEvent{"play", p.Name, p.Batch, hosts})
}

// TaskStart implements playbooks.Events.
func (j *JSON) TaskStart(t *playbooks.TaskInfo) {
	j.say(taskEvent{"task", t.Play, t.Name, t.Action, t.Where.String(), t.Handler, t.Tags})
}

// Begun implements playbooks.Events.
func (*JSON) Begun(string, *playbooks.TaskInfo) {}

// Warning implements playbooks.Events.
func (j *JSON) Warning(text string) {
	j.say(struct {
		Event   string `json:"event"`
		Warning string `json:"warning"`
	}{"warning", text})
}

// Result implements playbooks.Events.
func (j *JSON) Result(r playbooks.Result) {
	e := resultEvent{
		Event: "result", Host: r.Host, Status: string(r.Status), Loop: r.Loop, Ignored: r.Ignored, TimedOut: r.TimedOut,
		Foretold: r.Foretold, Unknown: r.Unknown, Delegated: r.Delegated, Seconds: r.Took.Seconds(), Result: plain(r.Fields),
	}
	if r.Task != nil {
		e.Task, e.Action = r.Task.Name, r.Task.Action
	}
	if r.HasItem {
		e.Item = &r.Item
	}
	for _, d := range r.Diffs {
		e.Diff = append(e.Diff, diffEvent(d))
	}
	j.say(e)
}

// Stats implements playbooks.Events.
func (j *JSON) Stats(stats map[string]playbooks.Stats, custom playbooks.Custom) {
	e := statsEvent{Event: "stats", Hosts: map[string]statsCount{}}
	for host, s := range stats {
		e.Hosts[host] = statsCount(s)
	}
	for host, values := range custom {
		shown, _ := data(values).(map[string]any)
		if host == "" {
			e.Run = shown
			continue
		}
		if e.Custom == nil {
			e.Custom = playbooks.Custom{}
		}
		e.Custom[host] = shown
	}
	j.say(e)
}
