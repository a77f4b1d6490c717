package inventory

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A eucalyptus.conf is a shell script: Eucalyptus' init scripts source it. Here it
// is read the way a POSIX shell reads assignments, and never run: what only a
// running shell could know, and whatever is not an assignment, is an error.

// ConfFile is a eucalyptus.conf: the name that messages show, and its content.
type ConfFile struct {
	Name string
	Data []byte
	Node string // of a node's file: which node; "" is all of them
}

// confReader reads one file. It stops at nothing: after an error it goes on with
// the next line.
type confReader struct {
	file     string
	text     string
	next     int // offset of what is read next
	line     int
	problems *problems
	home     *string // what $EUCALYPTUS stands for, nil while nothing has set it

	set       []assignment
	commented []assignment    // settings after a #: they say what was meant
	failed    map[string]bool // names whose value was an error
	windows   bool            // lines end with CR LF
}

var (
	assignExpr    = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)=`)
	exportExpr    = regexp.MustCompile(`^export[ \t]+`)
	onlyNamesExpr = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*([ \t]+[A-Za-z_][A-Za-z0-9_]*)*([ \t]+(#.*)?)?$`)
	spacedExpr    = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)[ \t]*=`)
	appendExpr    = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)(\[[^]]*\])?\+?=`)
	settingExpr   = regexp.MustCompile(`^[ \t]*(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*=`)
	commentExpr   = regexp.MustCompile(`^[#\s]*(?:export[ \t]+)?([A-Z_][A-Z0-9_]*)=["']?([^"'#]*)`)
)

// readConf reads a file; home is the value that EUCALYPTUS has before it.
func readConf(f ConfFile, home *string, p *problems) *confReader {
	r := &confReader{file: f.Name, line: 1, problems: p, home: home, failed: make(map[string]bool)}
	data := bytes.TrimPrefix(f.Data, []byte("\ufeff"))
	if len(data) > maxFileSize {
		r.complain(1, "the file is larger than %d MiB; is it a eucalyptus.conf?", maxFileSize>>20)
		r.failed["VNET_MODE"] = true // and all else
		return r
	}
	r.windows = bytes.Contains(data, []byte("\r\n"))
	r.text = strings.ReplaceAll(string(data), "\r\n", "\n")
	for r.next < len(r.text) {
		r.readLine()
	}
	return r
}

func (r *confReader) complain(line int, format string, args ...any) {
	r.problems.add(Position{r.file, line}, format, args...)
}

func (r *confReader) rest() string { return r.text[r.next:] }

// lineText is what is left of the current line.
func (r *confReader) lineText() string {
	text, _, _ := strings.Cut(r.rest(), "\n")
	return text
}

func (r *confReader) skipBlanks() {
	for strings.HasPrefix(r.rest(), " ") || strings.HasPrefix(r.rest(), "\t") || strings.HasPrefix(r.rest(), "\\\n") {
		if r.rest()[0] == '\\' {
			r.next++
			r.line++
		}
		r.next++
	}
}

// endLine goes behind the end of the line, and with an error also over the lines
// that continue it.
func (r *confReader) endLine(continued bool) {
	for {
		text := r.lineText()
		r.next = min(r.next+len(text)+1, len(r.text))
		r.line++
		if !continued || !strings.HasSuffix(text, `\`) || r.next == len(r.text) {
			return
		}
	}
}

// readLine reads one line: a comment, or assignments with ; or blanks between.
func (r *confReader) readLine() {
	for after := false; ; after = true {
		r.skipBlanks()
		if after && strings.HasPrefix(r.rest(), ";") {
			r.next++
			r.skipBlanks()
		}
		text := r.lineText()
		switch {
		case text == "":
			r.endLine(false)
			return
		case text[0] == '#':
			r.readComment(text)
			r.endLine(false)
			return
		}
		if exported := exportExpr.FindString(text); exported != "" {
			if onlyNamesExpr.MatchString(text[len(exported):]) {
				r.endLine(false)
				return
			}
			r.next += len(exported)
		}
		if !r.readAssignment() {
			return
		}
	}
}

// readComment takes down a setting that was commented out.
func (r *confReader) readComment(text string) {
	if m := commentExpr.FindStringSubmatch(text); m != nil {
		r.commented = append(r.commented, assignment{name: m[1], value: strings.TrimSpace(m[2]), at: Position{r.file, r.line}})
	}
}

// readAssignment reads NAME=value; false when the rest of the line was given up.
func (r *confReader) readAssignment() bool {
	text := r.lineText()
	m := assignExpr.FindStringSubmatch(text)
	if m == nil {
		r.complain(r.line, "%s", notAnAssignment(text))
		if m := appendExpr.FindStringSubmatch(text); m != nil {
			r.failed[m[1]] = true
		} else if m := spacedExpr.FindStringSubmatch(text); m != nil {
			r.failed[m[1]] = true
		}
		r.endLine(true)
		return false
	}
	a := assignment{name: m[1], at: Position{r.file, r.line}}
	r.next += len(m[0])
	err := r.readValue(&a)
	if a.name == "EUCALYPTUS" {
		r.home = &a.value
	}
	if err != nil {
		r.complain(r.line, "%s: %v", a.name, err)
		r.failed[a.name] = true
		_, open := err.(openQuote)
		r.endLine(!open)
		return false
	}
	r.set = append(r.set, a)
	return true
}

// notAnAssignment says what is wrong with a line that assigns nothing.
func notAnAssignment(text string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	if m := spacedExpr.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s: a shell takes no blanks before the =; write %s=\"...\"", m[1], m[1])
	}
	if m := appendExpr.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s: only plain NAME=\"value\" is understood; write the whole value", m[1])
	}
	if strings.ContainsRune("“”‘’", firstRune(text)) {
		return "a typographic quote begins this line; write NAME=\"value\""
	}
	return fmt.Sprintf("%s is a command, and nothing of the file is run; only NAME=\"value\" is understood: write what it would set, or leave the line away", shown(word))
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}
