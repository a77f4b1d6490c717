// Package tasks is the vocabulary of things a host can be asked to be: one
// POSIX sh file per kind, with a check_ and an apply_. It writes the program
// that asks a host for a list of them, and reads the host's reply: both ends of
// one agreement, side by side. It does not send, run, decide or remember
// anything.
package tasks

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// lazyInline is the size up to which content that only apply reads travels
// inside the program. Other content always does, up to mostInline: a check
// must be able to read it, and a check uploads nothing.
const (
	lazyInline = 64 << 10
	mostInline = 8 << 20
)

// A Task is one thing a host must be.
type Task struct {
	Name string // for people
	Kind string
	Args []string

	// Guard lists terms that must all hold, separated by blanks; a term is
	// alternatives joined by |; an alternative is a letter and the index of an
	// earlier task: n did not fail, o is or would be so, c changed, f failed,
	// s was skipped. A task whose n term fails is Blocked, not Skipped.
	Guard string

	Wants        []string // sums of uploads that apply reads
	IgnoreErrors bool     // for whoever counts failures: the program goes on anyway
	NoLog        bool     // neither words nor differences are shown
	Flags        Flags
}

// Flags are what is special about a task. The zero value is nothing.
type Flags struct {
	Changed, Failed Switch // how the outcome is to be taken, whatever it was
	Check, Diff     Switch // whatever the run says

	Timeout     int // seconds; 0 is no limit
	Environment []Variable

	// A handler's key names it on the host, also after a run that broke off: the
	// tasks with Handler run only if one that has the key in Notify changed
	// something since the task with Handled ended last.
	Notify           []string
	Handler, Handled string
}

// A Switch says yes, no, or nothing.
type Switch string

// The two things that a Switch may say.
const (
	Yes Switch = "yes"
	No  Switch = "no"
)

// A Variable of a task's environment.
type Variable struct{ Name, Value string }

// An Upload is content that travels beside the program, when a task needs it.
type Upload struct {
	Sum    string
	Size   int64 // -1: not known here
	Secret bool
}

// A Section is a question at the end of the program: a script whose output is
// the answer if it exits 0.
type Section struct{ Name, Script string }

// A Program settles one host: every task of it, in order.
type Program struct {
	Kinds    *Library
	Tasks    []Task
	Sections []Section
	Uploads  map[string]Upload

	contents map[string]string // by sum, of inline blobs and of uploads held here
	inline   map[string]bool   // those that a check may read
}

// Sum is how content is named: sha256, in lower-case hex.
func Sum(content string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(content))) }

var isSum = regexp.MustCompile(`^[0-9a-f]{64}$`)

// IsSum tells whether s is a name of content.
func IsSum(s string) bool { return isSum.MatchString(s) }

// Add appends a task and returns its index, for later tasks' guards.
func (p *Program) Add(t Task) int {
	p.Tasks = append(p.Tasks, t)
	return len(p.Tasks) - 1
}

// Blob keeps content for tasks to use by its sum. What only apply reads travels
// inside the program if it is text up to 64 KiB, beside it otherwise.
func (p *Program) Blob(content string) string {
	return p.keep(content, len(content) > lazyInline, false)
}

// Secret keeps content that must not be part of the program's text.
func (p *Program) Secret(content string) string { return p.keep(content, true, true) }

// Inline keeps content that a check reads, so it must travel inside the program.
func (p *Program) Inline(content string) (string, error) {
	if strings.ContainsRune(content, 0) {
		return "", errors.New("a NUL byte cannot be part of a program")
	}
	if len(content) > mostInline {
		return "", fmt.Errorf("%d bytes are more than the %d a program may carry in one piece", len(content), mostInline)
	}
	return p.keep(content, false, false), nil
}

func (p *Program) keep(content string, upload, secret bool) string {
	sum := Sum(content)
	if p.contents == nil {
		p.contents, p.inline = map[string]string{}, map[string]bool{}
	}
	p.contents[sum] = content
	if upload || strings.ContainsRune(content, 0) {
		if secret || !p.inline[sum] {
			p.Offer(Upload{Sum: sum, Size: int64(len(content)), Secret: secret})
		}
		return sum
	}
	if !p.Uploads[sum].Secret {
		p.inline[sum] = true
		delete(p.Uploads, sum)
	}
	return sum
}

// Offer announces an upload. What is secret once stays so.
func (p *Program) Offer(u Upload) {
	if p.Uploads == nil {
		p.Uploads = map[string]Upload{}
	}
	if old, ok := p.Uploads[u.Sum]; ok {
		u.Secret = u.Secret || old.Secret
		u.Size = max(u.Size, old.Size)
	}
	p.Uploads[u.Sum] = u
}

// Content is what a sum names, if the program itself holds it; other uploads
// are opened by whoever offered them.
func (p *Program) Content(sum string) (string, bool) {
	c, ok := p.contents[sum]
	return c, ok
}

// After is the content that task i gives its object, for --diff.
func (p *Program) After(i int) (string, bool) {
	for _, a := range p.Tasks[i].Args {
		if c, ok := p.contents[a]; ok {
			return c, true
		}
	}
	return "", false
}

// Call makes a task from a playbook's named arguments and keeps its content.
// With secret nothing that the task says is shown, and content that only apply
// reads stays out of the program's text.
func (p *Program) Call(kind string, named map[string]any, secret bool) (Task, error) {
	t := Task{Kind: kind, NoLog: secret}
	args, blobs, err := p.Kinds.Args(kind, named)
	if err != nil {
		return t, err
	}
	t.Args = args
	for _, b := range blobs {
		switch {
		case b.Upload:
			p.Offer(Upload{Sum: b.Sum, Size: -1, Secret: secret})
		case secret && b.Lazy:
			p.Secret(b.Content)
		case b.Lazy:
			p.Blob(b.Content)
		default:
			if _, err := p.Inline(b.Content); err != nil {
				return t, fmt.Errorf("%s: content: %w", kind, err)
			}
		}
	}
	return t, nil
}

// wants are the uploads of a task, named by it or by its content and upload
// arguments: a sum in another one (a disk's image) is only a name.
func (p *Program) wants(t Task) []string {
	named := slices.Clone(t.Wants)
	if k, err := p.Kinds.Kind(t.Kind); err == nil {
		for i, param := range k.Params {
			if i < len(t.Args) && (param.Name == "content" || param.Name == "upload") {
				named = append(named, t.Args[i])
			}
		}
	}
	var sums []string
	for _, s := range named {
		if _, ok := p.Uploads[s]; ok && !slices.Contains(sums, s) {
			sums = append(sums, s)
		}
	}
	return sums
}
