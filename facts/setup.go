package facts

import (
	"regexp"
	"slices"
	"strings"
)

// What playbooks of users read of a host: Ansible's facts, by Ansible's names and
// without its ansible_ in front. A host is asked only for those that something
// reads; those that come from one source come together.

// setupPart is a question, and the facts that its answer holds.
type setupPart struct {
	name   string
	names  []string
	script string
	read   func(text string, out map[string]any)
	like   *regexp.Regexp // names that are known only when the host has answered
}

// setupParts are all questions.
func setupParts() []setupPart {
	return slices.Concat(setupSystem(), setupHardware(), setupNetwork(), setupPeople())
}

// SetupNames are all facts that a host can be asked for, in order.
func SetupNames() []string {
	var out []string
	for _, p := range setupParts() {
		out = append(out, p.names...)
	}
	slices.Sort(out)
	return out
}

// IsSetup tells whether a host can be asked for a fact.
func IsSetup(name string) bool {
	return slices.ContainsFunc(setupParts(), func(p setupPart) bool { return asksFor(p, []string{name}) })
}

// SetupWith are the facts that come with those that are asked for.
func SetupWith(names []string) []string {
	var out []string
	for _, p := range setupParts() {
		if asksFor(p, names) {
			out = append(out, p.names...)
		}
	}
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func asksFor(p setupPart, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return slices.Contains(p.names, n) || p.like != nil && p.like.MatchString(n)
	})
}

// setupMark begins the answer to a question.
const setupMark = "## setup "

// SetupScript asks a host for these facts, and for those that come with them.
func SetupScript(names []string) string {
	var b strings.Builder
	for _, p := range setupParts() {
		if asksFor(p, names) {
			b.WriteString("echo '" + setupMark + p.name + "'\n" + strings.TrimSpace(p.script) + "\necho\n")
		}
	}
	return b.String()
}

// ReadSetup reads the answer to SetupScript. What a host does not say it lacks.
func ReadSetup(text string) map[string]any {
	answers := map[string]string{}
	name := ""
	var body strings.Builder
	flush := func() {
		if name != "" {
			answers[name] = body.String()
		}
		body.Reset()
	}
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, setupMark); ok {
			flush()
			name = strings.TrimSpace(rest)
			continue
		}
		body.WriteString(line)
	}
	flush()
	out := map[string]any{}
	for _, p := range setupParts() {
		if answer, ok := answers[p.name]; ok {
			p.read(answer, out)
		}
	}
	return out
}

// keyed reads lines of key=value, and calls with each.
func keyed(text, separator string, each func(key, value string)) {
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), separator)
		if ok {
			each(strings.TrimSpace(key), strings.TrimSpace(value))
		}
	}
}

// lines are the lines of an answer that are not empty.
func setupLines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
