package output

import (
	"fmt"
	"io"
	"strings"

	"eucactl/playbooks"
)

// OneLine writes a line a result, as Ansible's --one-line does, and nothing else.
type OneLine struct{ w io.Writer }

// NewOneLine writes to w.
func NewOneLine(w io.Writer) *OneLine { return &OneLine{w} }

// Minimal writes what an ad-hoc command's results say: the words of commands as
// they are, everything else as JSON.
type Minimal struct {
	w    io.Writer
	look Look
}

// NewMinimal writes to w.
func NewMinimal(w io.Writer, look Look) *Minimal { return &Minimal{w, look} }

// state is a result in the word that both formats have for it.
func state(r playbooks.Result) (word, color string) {
	switch r.Status {
	case playbooks.StatusChanged:
		return "CHANGED", yellow
	case playbooks.StatusSkipped:
		return "SKIPPED", cyan
	case playbooks.StatusUnreachable:
		return lost(r), red
	case playbooks.StatusFailed:
		if r.TimedOut {
			return "TIMED OUT!", red
		}
		return "FAILED!", red
	}
	return "SUCCESS", green
}

// spoken are the words of a result that has an exit status; ok is false for others.
func spoken(r playbooks.Result) (rc, words string, ok bool) {
	if r.Fields["rc"] == nil || r.Fields["stdout"] == nil {
		return "", "", false
	}
	words = text(r.Fields["stdout"])
	if stderr := text(r.Fields["stderr"]); stderr != "" {
		words = strings.TrimSuffix(words, "\n") + "\n" + stderr
	}
	if words == "" {
		words = text(r.Fields["msg"])
	}
	return text(r.Fields["rc"]), strings.Trim(words, "\n"), true
}

// Result implements playbooks.Events.
func (o *OneLine) Result(r playbooks.Result) {
	if r.Loop || r.Status == playbooks.StatusIncluded || r.Status == playbooks.StatusWaiting {
		return
	}
	word, _ := state(r)
	if rc, words, ok := spoken(r); ok {
		word = strings.TrimSuffix(word, "!")
		fmt.Fprintf(o.w, "%s | %s | rc=%s | (stdout) %s\n", r.Host, word, rc, strings.ReplaceAll(harmless(words), "\n", `\n`))
		return
	}
	fmt.Fprintf(o.w, "%s | %s => %s\n", r.Host, word, compact(r.Fields))
}

// Result implements playbooks.Events.
func (m *Minimal) Result(r playbooks.Result) {
	for _, d := range r.Diffs {
		fmt.Fprint(m.w, difference(d, m.look.Color))
	}
	word, color := state(r)
	line := ""
	if rc, words, ok := spoken(r); ok {
		line = fmt.Sprintf("%s | %s | rc=%s >>\n%s", r.Host, strings.TrimSuffix(word, "!"), rc, harmless(words))
	} else {
		line = fmt.Sprintf("%s | %s => %s", r.Host, word, indented(r.Fields))
	}
	if r.Unknown {
		line = fmt.Sprintf("%s | SKIPPED (check mode: what it would change cannot be foretold)", r.Host)
	}
	if m.look.Color {
		line = paint(color, line)
	}
	fmt.Fprintln(m.w, line)
}

// What neither format shows.

func (*OneLine) PlayStart(playbooks.PlayInfo)                       {}
func (*OneLine) TaskStart(*playbooks.TaskInfo)                      {}
func (*OneLine) Begun(string, *playbooks.TaskInfo)                  {}
func (*OneLine) Stats(map[string]playbooks.Stats, playbooks.Custom) {}
func (o *OneLine) Warning(text string)                              { fmt.Fprintln(o.w, "[WARNING]: "+harmless(text)) }
func (*Minimal) PlayStart(playbooks.PlayInfo)                       {}
func (*Minimal) TaskStart(*playbooks.TaskInfo)                      {}
func (*Minimal) Begun(string, *playbooks.TaskInfo)                  {}
func (*Minimal) Stats(map[string]playbooks.Stats, playbooks.Custom) {}
func (m *Minimal) Warning(text string)                              { fmt.Fprintln(m.w, "[WARNING]: "+harmless(text)) }
