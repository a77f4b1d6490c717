// Package preflight tells what would keep a cloud from working before it does: it
// turns what hosts answered into findings. It is pure: what it says follows from the
// answers, the inventory and the records alone. It asks nobody.
package preflight

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"eucactl/cloud"
)

// Severities of a finding. A warning is trouble that may come, or that is others'; a
// note is what an operator should know.
const (
	Error       = "error"
	Warning     = "warning"
	Note        = "note"
	Unreachable = "unreachable"
)

// A Finding is one sentence about a host, with what shows it and what to do about it.
type Finding struct {
	Severity string `json:"severity"`
	cloud.Finding
}

// Found makes a finding; evidence and fix may be empty.
func Found(severity, host, words, evidence, fix string) Finding {
	f := Finding{severity, cloud.Finding{Host: host, Words: words}}
	if evidence != "" {
		f.Evidence = []string{evidence}
	}
	if fix != "" {
		f.Next = []string{fix}
	}
	return f
}

func (f Finding) String() string {
	s := f.Severity + ": " + f.Host + ": " + f.Words
	if len(f.Evidence) > 0 {
		s += " (" + strings.Join(f.Evidence, "; ") + ")"
	}
	if len(f.Next) > 0 {
		s += ": " + strings.Join(f.Next, "; ")
	}
	return s
}

// Result is what a check found.
type Result struct {
	Hosts    int       `json:"hosts"`
	Checks   int       `json:"checks"`
	Findings []Finding `json:"findings"`
	Would    []string  `json:"would,omitempty"` // in check mode: what would be made and sent
	Done     []string  `json:"done,omitempty"`  // what was tried and held
}

// Add takes in another part of the same check.
func (r *Result) Add(part Result) {
	r.Hosts += part.Hosts
	r.Checks += part.Checks
	r.Findings = append(r.Findings, part.Findings...)
	r.Would = append(r.Would, part.Would...)
	r.Done = append(r.Done, part.Done...)
}

// Sort puts what is worst first.
func (r *Result) Sort() {
	rank := []string{Error, Unreachable, Warning, Note}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Compare(slices.Index(rank, a.Severity), slices.Index(rank, b.Severity))
	})
}

// ExitCode is 1 if errors were found, 4 if a host did not answer, else 0.
func (r Result) ExitCode() (code int) {
	for _, f := range r.Findings {
		switch f.Severity {
		case Error:
			return 1
		case Unreachable:
			code = 4
		}
	}
	return code
}

// Summary is the last line: how much was looked at, and what came of it.
func (r Result) Summary() string {
	count := map[string]int{}
	for _, f := range r.Findings {
		count[f.Severity]++
	}
	scope := Count(r.Checks, "check") + " on " + Count(r.Hosts, "host")
	switch {
	case len(r.Would) > 0 && len(r.Findings) == 0:
		return "nothing was made or sent"
	case count[Error]+count[Warning]+count[Unreachable] == 0:
		return "nothing wrong found: " + scope
	}
	var parts []string
	for _, severity := range []string{Error, Warning, Note} {
		if count[severity] > 0 {
			parts = append(parts, Count(count[severity], severity))
		}
	}
	if n := count[Unreachable]; n > 0 {
		parts = append(parts, Count(n, "host")+" unreachable")
	}
	return scope + ": " + strings.Join(parts, ", ")
}

// Count is a number of things in words.
func Count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "s"):
		noun += "e"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
