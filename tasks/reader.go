package tasks

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A reader follows one reply, line by line.
type reader struct {
	p      *Program
	mark   string
	hooks  Hooks
	scrub  scrubber
	report Report

	task    int // running, -1 none
	result  Result
	ended   map[int]bool
	needs   int
	section string
	inDiff  bool
	field   string // of the running task's result, while it is given

	words tail
	text  strings.Builder // of a section or a difference
	full  bool            // text outgrew its limit
	read  int64
	kept  int
	over  bool
}

func newReader(p *Program, mark string, hooks Hooks, secrets []string) *reader {
	rd := &reader{p: p, mark: mark + " ", hooks: hooks, scrub: newScrubber(secrets), task: -1, ended: map[int]bool{}}
	rd.report.Sections = map[string]Answer{}
	return rd
}

func (rd *reader) from(br *bufio.Reader) (Report, error) {
	inLine := false
	for !rd.over {
		piece, err := br.ReadSlice('\n')
		if len(piece) > 0 {
			if e := rd.piece(piece, inLine); e != nil {
				return rd.finish(), e
			}
			inLine = piece[len(piece)-1] != '\n'
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			report := rd.finish()
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return report, err
		}
	}
	return rd.finish(), nil
}

// piece takes a line, or a part of one that is too long to be ours.
func (rd *reader) piece(b []byte, inLine bool) error {
	if rd.hooks.OnLine != nil {
		rd.hooks.OnLine()
	}
	if rd.read += int64(len(b)); rd.read > mostReply {
		return fmt.Errorf("the host said more than %d MiB", mostReply>>20)
	}
	if line, ours := strings.CutPrefix(string(b[:min(len(b), longestOurs)]), rd.mark); ours && !inLine && len(b) < longestOurs {
		known, err := rd.line(strings.TrimRight(line, "\r\n"))
		if known || err != nil {
			return err
		}
		rd.report.Odd++
	}
	rd.keep(b)
	return nil
}

func (rd *reader) keep(b []byte) {
	if rd.section == "" && !rd.inDiff && rd.field == "" {
		rd.words.add(b)
		return
	}
	if rd.full || rd.text.Len()+len(b) > mostAnswer || rd.kept+rd.text.Len()+len(b) > mostKept {
		rd.full = true
		return
	}
	rd.text.Write(b)
}

// line follows the agreement of prelude.sh. A line that does not belong where
// it stands is not known, and counts as words.
func (rd *reader) line(s string) (known bool, err error) {
	verb, rest, _ := strings.Cut(s, " ")
	if rd.section != "" && verb != "section-end" || rd.inDiff && verb != "diff-end" || rd.field != "" && !slices.Contains([]string{"data", "data-end", "end"}, verb) {
		return false, nil
	}
	if rd.field != "" && (verb == "end" || verb == "data") {
		rd.dataEnd(strconv.Itoa(rd.task) + " " + rd.field) // the kind was stopped while it gave it
	}
	idle := rd.task < 0
	switch verb {
	case "hello":
		known = idle && !rd.report.Hello
		rd.report.Hello = true
	case "begin":
		known = idle && rd.begin(rest)
	case "end":
		known = rd.end(rest)
	case "skip":
		known = idle && rd.skip(rest)
	case "need":
		return rd.need(rest)
	case "diff":
		known = rd.task >= 0 && rest == strconv.Itoa(rd.task) && !rd.result.Diffed
		rd.inDiff = known
	case "diff-end":
		known = rd.diffEnd(rest)
	case "data":
		known = rd.dataBegin(rest)
	case "data-end":
		known = rd.dataEnd(rest)
	case "section":
		known = idle && rd.sectionBegin(rest)
	case "section-end":
		known = rd.sectionEnd(rest)
	default:
		known = (idle || verb == "stopped") && rd.ending(verb, rest)
	}
	return known, nil
}

// ending takes the lines after which nothing comes.
func (rd *reader) ending(verb, rest string) bool {
	switch verb {
	case "busy":
		rd.report.Busy = rd.scrub.clean(rest)
	case "fenced":
		cloud, token, _ := strings.Cut(rest, " ")
		rd.report.Fenced = &Fenced{clean(cloud), clean(token)}
	case "stopped":
		rd.report.Stopped = rd.scrub.clean(rest)
	case "stage":
		rd.report.Stage = true
	case "done":
		rd.report.Done = true
	default:
		return false
	}
	rd.over = true
	return true
}

// fresh is the index of a task that has not been reported yet.
func (rd *reader) fresh(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	ok := err == nil && n >= 0 && n < len(rd.p.Tasks) && strconv.Itoa(n) == s && !rd.ended[n]
	return n, ok
}

func (rd *reader) begin(s string) bool {
	n, ok := rd.fresh(s)
	if !ok {
		return false
	}
	rd.outside()
	rd.task, rd.result = n, Result{Index: n, Needs: -1}
	if rd.hooks.OnBegin != nil {
		rd.hooks.OnBegin(n)
	}
	return true
}

// outside ends the words that no task said.
func (rd *reader) outside() {
	if w := rd.takeWords(); w != "" {
		rd.report.Words = keepTail(rd.report.Words+w+"\n", mostWords)
	}
}

func (rd *reader) end(rest string) bool {
	f := strings.Fields(rest)
	if len(f) != 3 || rd.task < 0 || f[0] != strconv.Itoa(rd.task) {
		return false
	}
	rc, err := strconv.Atoi(f[2])
	o := Outcome(f[1])
	if err != nil || !slices.Contains([]Outcome{OK, Changed, Would, Failed, Unsettled, Unknown}, o) {
		return false
	}
	rd.result.Outcome, rd.result.RC = o, rc
	rd.settle()
	return true
}

// settle files the running task's result.
func (rd *reader) settle() {
	rd.result.Words = rd.takeWords()
	if rd.p.Tasks[rd.task].NoLog {
		rd.result.Before, rd.result.Diffed = "", false
		if rd.result.Words != "" {
			rd.result.Words = "(hidden by no_log)"
		}
	}
	rd.file(rd.result)
	rd.task = -1
}

func (rd *reader) file(r Result) {
	rd.ended[r.Index] = true
	rd.kept += len(r.Words) + len(r.Before)
	rd.report.Results = append(rd.report.Results, r)
	if rd.hooks.OnResult != nil {
		rd.hooks.OnResult(r)
	}
}

func (rd *reader) skip(rest string) bool {
	num, why, _ := strings.Cut(rest, " ")
	n, ok := rd.fresh(num)
	if !ok {
		return false
	}
	r := Result{Index: n, Outcome: Skipped, Why: why, Needs: -1}
	if by, blocked := strings.CutPrefix(why, "needs "); blocked {
		m, err := strconv.Atoi(by)
		if err != nil || m < 0 || m >= n {
			return false
		}
		r.Needs = m
	} else if why != "when" {
		return false
	}
	rd.outside()
	rd.file(r)
	return true
}

// need passes a wish on. A host can wish for nothing but what the program
// offers, and not more often than there are tasks to use it.
func (rd *reader) need(sum string) (bool, error) {
	if _, offered := rd.p.Uploads[sum]; !offered || rd.task < 0 {
		return false, fmt.Errorf("the host asks for an upload that was not offered to it: %.80q", clean(sum))
	}
	if rd.needs++; rd.needs > len(rd.p.Tasks)+len(rd.p.Uploads) {
		return false, errors.New("the host asks for uploads without end")
	}
	if rd.hooks.OnNeed != nil {
		rd.hooks.OnNeed(sum)
	}
	return true, nil
}

func (rd *reader) diffEnd(rest string) bool {
	if !rd.inDiff || rest != strconv.Itoa(rd.task) {
		return false
	}
	rd.inDiff = false
	text, full := rd.takeText()
	rd.result.Diffed, rd.result.Before = !full, rd.scrub.content(text)
	return true
}

var fieldWord = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func (rd *reader) dataBegin(rest string) bool {
	task, key, _ := strings.Cut(rest, " ")
	if rd.task < 0 || task != strconv.Itoa(rd.task) || !fieldWord.MatchString(key) || len(rd.result.Data) >= mostFields {
		return false
	}
	rd.field = key
	return true
}

func (rd *reader) dataEnd(rest string) bool {
	if rd.field == "" || rest != strconv.Itoa(rd.task)+" "+rd.field {
		return false
	}
	text, full := rd.takeText()
	if full {
		text = ""
		rd.words.add([]byte(fmt.Sprintf("%s: more than %d MiB\n", rd.field, mostAnswer>>20)))
	}
	if rd.result.Data == nil {
		rd.result.Data = map[string]string{}
	}
	rd.kept += len(text) - len(rd.result.Data[rd.field])
	rd.result.Data[rd.field] = text
	rd.field = ""
	return true
}

func (rd *reader) sectionBegin(name string) bool {
	if _, again := rd.report.Sections[name]; again || !sectionWord.MatchString(name) {
		return false
	}
	if name != "host" && !slices.ContainsFunc(rd.p.Sections, func(s Section) bool { return s.Name == name }) {
		return false
	}
	rd.section = name
	return true
}

func (rd *reader) sectionEnd(rest string) bool {
	name, code, _ := strings.Cut(rest, " ")
	rc, err := strconv.Atoi(code)
	if rd.section == "" || name != rd.section || err != nil {
		return false
	}
	text, full := rd.takeText()
	a := Answer{RC: rc, Text: text, Words: rd.takeWords()}
	if full {
		a.RC, a.Words = -1, fmt.Sprintf("more than %d MiB", mostAnswer>>20)
	}
	if a.RC != 0 {
		a.Text = ""
	}
	rd.kept += len(a.Text)
	rd.report.Sections[name] = a
	rd.section = ""
	return true
}

// takeText is the exact text between two lines of ours: the newline in front of
// the second belongs to it.
func (rd *reader) takeText() (text string, full bool) {
	text, full = strings.TrimSuffix(rd.text.String(), "\n"), rd.full
	rd.text.Reset()
	rd.full = false
	if full {
		text = ""
	}
	return text, full
}

func (rd *reader) takeWords() string {
	most := mostWords
	if rd.kept > mostKept {
		most = 1 << 10
	}
	return rd.scrub.clean(rd.words.take(most))
}

// finish closes what the reply left open.
func (rd *reader) finish() Report {
	if rd.task >= 0 {
		rd.inDiff, rd.field = false, ""
		rd.text.Reset()
		rd.result.Outcome, rd.result.Cut = Unknown, true
		rd.settle()
	}
	rd.outside()
	rd.report.Words = strings.TrimRight(rd.report.Words, "\n")
	return rd.report
}
