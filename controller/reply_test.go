package controller

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// reply is one shell: it runs programs until one does not end in "stage".
type reply struct {
	h     *host
	in    *bufio.Reader
	out   *io.PipeWriter
	set   map[string]string
	lines int
	was   map[int]string
	wants []string
	over  bool // its last word is said: whoever hears it may come again at once
}

func (r *reply) serve() error {
	r.h.enter()
	defer r.leave()
	for {
		text, err := readProgram(r.in)
		if err != nil {
			return nil
		}
		r.h.mu.Lock()
		r.h.programs = append(r.h.programs, text)
		wait := r.h.sayFirst
		r.h.mu.Unlock()
		if wait != nil {
			<-wait
		}
		if staged, err := r.program(text); err != nil || !staged {
			return err
		}
	}
}

// readProgram takes one program: what is cut runs nothing.
func readProgram(in *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", err
		}
		b.WriteString(line)
		if line == "eucactl\n" && strings.HasSuffix(b.String(), "\n}\neucactl\n") {
			return b.String(), nil
		}
	}
}

// commands splits sh text of plain words and single quotes.
func commands(text string) (list [][]string) {
	var words []string
	var word strings.Builder
	open, quoted := false, false
	end := func() {
		if open {
			words = append(words, word.String())
		}
		word.Reset()
		open = false
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\'':
			quoted = false
		case quoted:
			word.WriteByte(c)
		case c == '\'':
			quoted, open = true, true
		case c == '\\':
			i++
			open = true
			word.WriteByte(text[i])
		case c == ' ':
			end()
		case c == '\n':
			end()
			list = append(list, words)
			words = nil
		default:
			open = true
			word.WriteByte(c)
		}
	}
	return list
}

var errEnd = errors.New("the program ended")

// program runs one; it is staged if it waits for another.
func (r *reply) program(text string) (staged bool, err error) {
	r.was, r.wants, r.set = map[int]string{}, nil, map[string]string{}
	head, body, _ := strings.Cut(text, "\nopen_run\n")
	for _, words := range commands(head[:strings.Index(head, "# The prelude")]) {
		if name, value, ok := strings.Cut(strings.Join(words, " "), "="); ok {
			r.set[name] = value
		}
	}
	if err := r.say("hello 1"); err != nil {
		return false, err
	}
	for _, words := range commands(body) {
		if len(words) == 0 {
			continue
		}
		staged, err := r.command(words[0], words[1:])
		if errors.Is(err, errEnd) {
			return false, nil
		}
		if err != nil || staged {
			return staged, err
		}
	}
	return false, nil
}

func (r *reply) say(format string, args ...any) error {
	r.lines++
	r.h.mu.Lock()
	breaks := r.h.breakAt > 0 && r.lines >= r.h.breakAt
	r.h.mu.Unlock()
	if breaks {
		return r.h.lost()
	}
	_, err := fmt.Fprintf(r.out, "\n%s %s\n", r.set["MARK"], fmt.Sprintf(format, args...))
	return err
}

// last says what a program ends with.
func (r *reply) last(format string, args ...any) error {
	r.leave()
	if err := r.say(format, args...); err != nil {
		return err
	}
	return errEnd
}

func (r *reply) leave() {
	if !r.over {
		r.over = true
		r.h.leave()
	}
}

func (r *reply) check() bool { return r.set["CHECK"] == "yes" }

func (r *reply) command(name string, args []string) (staged bool, err error) {
	r.h.mu.Lock()
	busy, lost, facts := r.h.busy, r.h.lostLock, r.h.facts
	r.h.mu.Unlock()
	switch name {
	case "take_lock":
		if busy != "" {
			return false, r.last("busy %s", busy)
		}
		if lost {
			return false, r.h.lost()
		}
	case "pass_fence":
		return false, r.fence(args[0], args[1], args[2:])
	case "stage_facts":
		if fmt.Sprintf("%x", sha256.Sum256([]byte(facts))) == args[0] {
			return false, nil
		}
		if err := r.print("host", 0, facts); err != nil {
			return false, err
		}
		return true, r.say("stage")
	case "wants":
		r.wants = args[1:]
	case "task":
		return false, r.task(args[0], args[1], args[2], args[3:])
	case "section":
		return false, r.section(args[0])
	case "close_run":
		return false, r.last("done")
	}
	return false, nil
}

func (r *reply) fence(force, token string, accept []string) error {
	r.h.mu.Lock()
	found := r.h.token
	cloud, held, _ := strings.Cut(found, " ")
	refused := found != "" && force == "" && !(cloud == r.set["CLOUD"] && (slices.Contains(accept, held) || held == token))
	if !refused && !r.check() {
		r.h.token = r.set["CLOUD"] + " " + token
	}
	r.h.mu.Unlock()
	if refused {
		return r.last("fenced %s", found)
	}
	return nil
}

// guard is a task's: whether it runs, and if not what it needs.
func (r *reply) guard(terms string) (run bool, needs string) {
	for term := range strings.FieldsSeq(terms) {
		holds, failed := false, ""
		for one := range strings.SplitSeq(term, "|") {
			n, _ := strconv.Atoi(one[1:])
			was := r.was[n]
			switch one[:1] {
			case "n":
				if slices.Contains([]string{"failed", "unsettled", "blocked"}, was) {
					failed = one[1:]
				} else {
					holds = true
				}
			case "o":
				holds = holds || slices.Contains([]string{"ok", "changed", "would"}, was)
			case "c":
				holds = holds || was == "changed" || was == "would"
			case "f":
				holds = holds || was == "failed"
			case "s":
				holds = holds || was == "skipped" || was == "blocked"
			}
		}
		if !holds {
			return false, failed
		}
	}
	return true, ""
}

func (r *reply) task(num, guard, kind string, args []string) error {
	n, err := strconv.Atoi(num)
	if err != nil {
		return err
	}
	wants := r.wants
	r.wants = nil
	if run, needs := r.guard(guard); !run {
		if needs != "" {
			r.was[n] = "blocked"
			return r.say("skip %d needs %s", n, needs)
		}
		r.was[n] = "skipped"
		return r.say("skip %d when", n)
	}
	if err := r.say("begin %d", n); err != nil {
		return err
	}
	r.h.mu.Lock()
	words, fails := r.h.fails[kind]
	is := r.h.is(kind, args)
	r.h.mu.Unlock()
	outcome, rc := "ok", 0
	switch {
	case fails:
		fmt.Fprintln(r.out, words)
		outcome, rc = "failed", 2
	case is:
	case r.check():
		outcome = "would"
	default:
		outcome = "changed"
		if why := r.fetch(wants); why != "" {
			fmt.Fprintln(r.out, why)
			outcome, rc = "failed", 2
			break
		}
		r.h.mu.Lock()
		if kind == "disk" && !r.h.cache[args[1]] {
			fmt.Fprintf(r.out, "image %s is not in the cache\n", args[1])
			outcome, rc = "failed", 2
		} else {
			r.h.become(kind, args)
		}
		r.h.mu.Unlock()
	}
	r.was[n] = outcome
	return r.say("end %d %s %d", n, outcome, rc)
}

// fetch asks for uploads, and looks at what came.
func (r *reply) fetch(sums []string) (why string) {
	for _, sum := range sums {
		if err := r.say("need %s", sum); err != nil {
			return err.Error()
		}
		answer, err := r.in.ReadString('\n')
		if err != nil || !strings.HasPrefix(answer, "have "+sum) {
			return strings.TrimSpace(answer)
		}
		r.h.mu.Lock()
		content := r.h.files["/var/lib/eucactl/host/incoming/"+r.set["LOGIN"]+"/"+sum]
		r.h.mu.Unlock()
		if got := fmt.Sprintf("%x", sha256.Sum256(content)); got != sum {
			return "the upload " + sum + " arrived with the sum " + got
		}
	}
	return ""
}

func (r *reply) print(name string, rc int, text string) error {
	if err := r.say("section %s", name); err != nil {
		return err
	}
	if text != "" {
		fmt.Fprintln(r.out, text)
	}
	return r.say("section-end %s %d", name, rc)
}

func (r *reply) section(name string) error {
	h := r.h
	h.mu.Lock()
	rc, text := 0, ""
	switch name {
	case "boot":
		text = h.boot + " 100.5 1767355200"
	case "capacity":
		text = "8 8388608 104857600 104857600"
	case "domains":
		text = "boot " + h.boot
		for _, name := range slices.Sorted(maps.Keys(h.domains)) {
			text += fmt.Sprintf("\ndomain %s\nstate %s\ncloud %s\nstarted %s 0 x\ndefined x", name, h.domains[name], r.set["CLOUD"], h.boot)
		}
		if h.noList {
			rc, text = 2, ""
		}
	case "console":
		text = h.console
		if text == "" {
			rc = 2
		}
	}
	h.mu.Unlock()
	return r.print(name, rc, text)
}
