package host

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"eucactl/tasks"
)

// programEnd is how every program's text ends.
const programEnd = "close_run\n}\neucactl\n"

// A program is what the model reads of a program's text: settings, content and the
// statements, word by word.
type program struct {
	set        map[string]string
	blobs      map[string]string // inline content by its sum
	uploads    map[string]bool   // sums whose content is a file of blobs.tmp
	statements [][]string
}

// prelude is the text that stands in front of every program's tasks.
var prelude = sync.OnceValues(func() (string, error) {
	text, err := (&tasks.Program{}).Text(tasks.Env{Mark: "@0000000000000000"})
	if err != nil {
		return "", err
	}
	const last = "LOCK=/run/eucactl.lock\nACTS=' '\nREADS=' '\nDIFFS=' '\nSEES=' '\nLOOKS=' '\nCR='\r'\n"
	_, text, ok := strings.Cut(text, last)
	text, end := strings.CutSuffix(text, "open_run\ntake_lock\n"+programEnd)
	if !ok || !end {
		return "", errors.New("a program does not begin and end as the model knows it")
	}
	return text, nil
})

var errUnfinished = errors.New("the text ends in mid-word")

// readProgram reads a whole text. What was read before an error is returned too:
// the mark is needed to speak of it.
func readProgram(text string, lib *tasks.Library) (*program, error) {
	pr := &program{set: map[string]string{}, blobs: map[string]string{}, uploads: map[string]bool{}}
	rest, err := pr.settings(text)
	if err != nil {
		return pr, err
	}
	known, err := prelude()
	if err != nil {
		return pr, err
	}
	rest, ok := strings.CutPrefix(rest, known)
	if !ok {
		return pr, errors.New("the prelude is not the one that the model was made after")
	}
	if rest, err = skipKinds(rest, lib); err != nil {
		return pr, err
	}
	for rest != "" {
		if rest, err = pr.statement(rest); err != nil {
			return pr, err
		}
	}
	return pr, nil
}

// settings are NAME=VALUE lines after the first line.
func (pr *program) settings(text string) (rest string, err error) {
	rest, ok := strings.CutPrefix(text, "eucactl() {\n")
	if !ok {
		return rest, errors.New("not a program")
	}
	for _, name := range []string{"MARK", "CHECK", "DIFF", "CLOUD", "LOGIN", "LOCK_WAIT", "HOST_DIR", "RUN_DIR", "LOCK", "ACTS", "READS", "DIFFS", "SEES", "LOOKS", "CR"} {
		if rest, ok = strings.CutPrefix(rest, name+"="); !ok {
			return rest, fmt.Errorf("the setting %s is missing", name)
		}
		if pr.set[name], rest, err = word(rest); err != nil {
			return rest, err
		}
		if rest, ok = strings.CutPrefix(rest, "\n"); !ok {
			return rest, fmt.Errorf("the setting %s is not one word", name)
		}
	}
	return rest, nil
}

// skipKinds passes by the texts of kinds and of what they share, which the library has too.
func skipKinds(rest string, lib *tasks.Library) (string, error) {
	for strings.HasPrefix(rest, "#") {
		head, _, _ := strings.Cut(rest, "\n")
		if strings.HasPrefix(head, "#!") {
			_, below, _ := strings.Cut(rest, "\n")
			head, _, _ = strings.Cut(below, "\n")
		}
		name, _, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(head, "#")), " ")
		text, err := lib.Text(name)
		if err != nil {
			return rest, err
		}
		after, ok := strings.CutPrefix(rest, text)
		if !ok {
			return rest, fmt.Errorf("the text of kind %s is not the library's", name)
		}
		rest = after
	}
	return rest, nil
}

// statement reads one line of words, which may span many lines of text.
func (pr *program) statement(rest string) (string, error) {
	if strings.HasPrefix(rest, "blob_") {
		return pr.blob(rest)
	}
	if after, ok := strings.CutPrefix(rest, staged+"\n"); ok {
		pr.statements = append(pr.statements, []string{staged})
		return after, nil
	}
	if rest == "}\neucactl\n" {
		return "", nil
	}
	words := make([]string, 0, 8)
	for {
		w, after, err := word(rest)
		if err != nil {
			return rest, err
		}
		words = append(words, w)
		if after == "" {
			return "", errUnfinished
		}
		rest = after[1:]
		if after[0] == '\n' {
			break
		}
		if after[0] != ' ' {
			return rest, fmt.Errorf("no blank after %.40q", w)
		}
	}
	pr.statements = append(pr.statements, words)
	return rest, nil
}

// staged is the statement after stage_facts.
const staged = `[ -z "$staged" ] || return 0`

// blob reads the definition of a content.
func (pr *program) blob(rest string) (string, error) {
	name, body, ok := strings.Cut(rest, "() { ")
	sum := strings.TrimPrefix(name, "blob_")
	if !ok || !tasks.IsSum(sum) {
		return rest, fmt.Errorf("no statement that the model knows: %.60q", rest)
	}
	if after, ok := strings.CutPrefix(body, `cat "$HOST_DIR/blobs.tmp/`+sum+"\"; }\n"); ok {
		pr.uploads[sum] = true
		return after, nil
	}
	body, ok = strings.CutPrefix(body, "printf %s ")
	if !ok {
		return rest, fmt.Errorf("content %s is made in a way that the model does not know", sum)
	}
	content, after, err := word(body)
	if err != nil {
		return rest, err
	}
	if after, ok = strings.CutPrefix(after, "; }\n"); !ok {
		return rest, fmt.Errorf("content %s is not one word", sum)
	}
	pr.blobs[sum] = content
	return after, nil
}

// word reads one word as tasks' quote writes it: bare, or in single quotes with
// '\” for the quote itself.
func word(s string) (w, rest string, err error) {
	if !strings.HasPrefix(s, "'") {
		i := strings.IndexAny(s, " \n;")
		if i < 0 {
			return "", "", errUnfinished
		}
		if i == 0 || strings.ContainsAny(s[:i], "$`\"\\'|&<>(){}*?[~#!") {
			return "", s, fmt.Errorf("no word that the model can read: %.40q", s)
		}
		return s[:i], s[i:], nil
	}
	s = s[1:]
	i := strings.IndexByte(s, '\'')
	if i < 0 {
		return "", "", errUnfinished
	}
	if !strings.HasPrefix(s[i:], `'\''`) {
		return s[:i], s[i+1:], nil
	}
	var b strings.Builder
	for {
		b.WriteString(s[:i])
		s = s[i:]
		if !strings.HasPrefix(s, `'\''`) {
			return b.String(), s[1:], nil
		}
		b.WriteByte('\'')
		s = s[4:]
		if i = strings.IndexByte(s, '\''); i < 0 {
			return "", "", errUnfinished
		}
	}
}
