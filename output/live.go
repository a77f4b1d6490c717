package output

import (
	"fmt"
	"io"
	"strings"

	"eucactl/playbooks"
)

// Live keeps one line at the bottom of a terminal that says what is being done. The
// lines above it are written by another; Live clears its own before each of them.
type Live struct {
	w      io.Writer
	width  int
	doing  map[string]string // task by host
	shown  bool
	events playbooks.Events
}

// NewLive shows on the terminal w, width columns wide, while events writes.
func NewLive(w io.Writer, width int, events playbooks.Events) *Live {
	return &Live{w: w, width: width, doing: map[string]string{}, events: events}
}

// Begun implements playbooks.Events.
func (l *Live) Begun(host string, t *playbooks.TaskInfo) {
	l.doing[host] = t.Name
	l.draw(host)
}

func (l *Live) draw(host string) {
	task := l.doing[host]
	line := fmt.Sprintf("... %s: %s", host, harmless(task))
	if others := len(l.doing) - 1; others > 0 {
		line += fmt.Sprintf(" (and %d more hosts at work)", others)
	}
	if len(line) >= l.width {
		line = strings.ToValidUTF8(line[:max(l.width-1, 0)], "")
	}
	fmt.Fprint(l.w, "\r\x1b[K"+line)
	l.shown = true
}

func (l *Live) clear() {
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
		l.shown = false
	}
}

// Result implements playbooks.Events.
func (l *Live) Result(r playbooks.Result) {
	l.clear()
	if !r.HasItem {
		delete(l.doing, r.Host)
	}
	l.events.Result(r)
}

// PlayStart implements playbooks.Events.
func (l *Live) PlayStart(p playbooks.PlayInfo) { l.clear(); l.events.PlayStart(p) }

// TaskStart implements playbooks.Events.
func (l *Live) TaskStart(t *playbooks.TaskInfo) { l.clear(); l.events.TaskStart(t) }

// Warning implements playbooks.Events.
func (l *Live) Warning(text string) { l.clear(); l.events.Warning(text) }

// Stats implements playbooks.Events.
func (l *Live) Stats(stats map[string]playbooks.Stats, custom playbooks.Custom) {
	l.clear()
	l.events.Stats(stats, custom)
}

// Passed tells how far a host has come, to whoever wants to know.
func (l *Live) Passed(host string, at playbooks.Place) {
	if f, ok := l.events.(playbooks.Follower); ok {
		l.clear()
		f.Passed(host, at)
	}
}
