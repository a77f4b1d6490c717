package tasks

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A tail keeps the last of what a task says, in bounded memory.
type tail struct {
	b   []byte
	cut bool
}

func (t *tail) add(b []byte) {
	t.b = append(t.b, b...)
	if len(t.b) > 2*mostWords {
		t.b = append(t.b[:0], t.b[len(t.b)-mostWords:]...)
		t.cut = true
	}
}

const cutNote = "(earlier words were cut)\n"

// take empties the tail. What is cut ends at a line, so that no secret is cut
// in two and then not recognised.
func (t *tail) take(most int) string {
	s, cut := string(t.b), t.cut
	t.b, t.cut = t.b[:0], false
	if !cut && len(s) <= most {
		return s
	}
	if len(s) > most {
		s = s[len(s)-most:]
	}
	_, s, _ = strings.Cut(s, "\n")
	return cutNote + s
}

// keepTail is the end of s, from the start of a line.
func keepTail(s string, most int) string {
	t := tail{b: []byte(s)}
	return t.take(most)
}

// A scrubber makes what a host said fit to be shown.
type scrubber struct{ secrets *strings.Replacer }

// shortestLine of a secret of several lines that is looked for on its own: a
// line like "}" says nothing.
const shortestLine = 8

func newScrubber(secrets []string) scrubber {
	var hide []string
	for _, s := range secrets {
		if s = strings.TrimRight(s, "\r\n"); s == "" {
			continue
		}
		hide = append(hide, s)
		for line := range strings.Lines(s) {
			if line = strings.TrimRight(line, "\r\n"); len(line) >= shortestLine {
				hide = append(hide, line)
			}
		}
	}
	// Where one secret begins with another the longer one must win.
	slices.SortFunc(hide, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, s := range hide {
		pairs = append(pairs, s, "***")
	}
	return scrubber{strings.NewReplacer(pairs...)}
}

func (s scrubber) clean(text string) string {
	return clean(s.secrets.Replace(strings.ReplaceAll(text, "\r\n", "\n")))
}

// content scrubs text whose newlines matter.
func (s scrubber) content(text string) string { return printable(s.secrets.Replace(text)) }

func clean(text string) string { return strings.Trim(printable(text), "\n") }

// printable keeps a host from steering the reader's terminal: control
// characters and bad UTF-8 become a replacement character.
func printable(text string) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return utf8.RuneError
		}
		return r
	}, text)
}
