package controller

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// Preflight says what of a site to check: its hosts, or with Network what passes
// between them.
type Preflight struct {
	Pattern string        `json:"pattern,omitempty"` // none = every host
	Network *NetworkCheck `json:"network,omitempty"`
}

// Severities of a finding. A warning is trouble that may come, or that is others'; a
// note is what an operator should know.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
	SeverityNote    = "note"
	Unreachable     = "unreachable"
)

// A Finding is one sentence about a host or a cluster, with what shows it and what
// to do about it.
type Finding struct {
	Host     string `json:"host"`
	Severity string `json:"severity"`
	Words    string `json:"words"`
	Evidence string `json:"evidence,omitempty"`
	Fix      string `json:"fix,omitempty"`
}

func (f Finding) String() string {
	s := f.Severity + ": " + f.Host + ": " + f.Words
	if f.Evidence != "" {
		s += " (" + f.Evidence + ")"
	}
	if f.Fix != "" {
		s += ": " + f.Fix
	}
	return s
}

// Preflighted is what a check found.
type Preflighted struct {
	Hosts    int       `json:"hosts"`
	Checks   int       `json:"checks"`
	Findings []Finding `json:"findings"`
	Would    []string  `json:"would,omitempty"` // with Check: what would be made and sent
	Done     []string  `json:"done,omitempty"`  // what was tried and held
}

// ExitCode is 1 if errors were found, 4 if a host did not answer, else 0.
func (p Preflighted) ExitCode() (code int) {
	for _, f := range p.Findings {
		switch f.Severity {
		case SeverityError:
			return 1
		case Unreachable:
			code = 4
		}
	}
	return code
}

// Summary is the last line: how much was looked at, and what came of it.
func (p Preflighted) Summary() string {
	count := map[string]int{}
	for _, f := range p.Findings {
		count[f.Severity]++
	}
	scope := plural(p.Checks, "check") + " on " + plural(p.Hosts, "host")
	if len(p.Would) > 0 && len(p.Findings) == 0 {
		return "nothing was made or sent"
	}
	if count[SeverityError]+count[SeverityWarning]+count[Unreachable] == 0 {
		return "nothing wrong found: " + scope
	}
	var parts []string
	for _, severity := range []string{SeverityError, SeverityWarning, SeverityNote} {
		if count[severity] > 0 {
			parts = append(parts, plural(count[severity], severity))
		}
	}
	if n := count[Unreachable]; n > 0 {
		parts = append(parts, plural(n, "host")+" unreachable")
	}
	return scope + ": " + strings.Join(parts, ", ")
}

func plural(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "s"):
		noun += "e"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Preflight implements Door.
func (c *Controller) Preflight(ctx context.Context, req Preflight) (out Preflighted, err error) {
	hosts, err := c.selected(Reconcile{Pattern: req.Pattern})
	if err != nil {
		return out, err
	}
	if req.Network != nil {
		out, err = c.checkNetwork(ctx, hosts, *req.Network)
	} else {
		out, err = c.checkHosts(ctx, hosts)
	}
	if err != nil {
		return out, err
	}
	out.Findings = orEmpty(out.Findings)
	rank := map[string]int{SeverityError: 0, Unreachable: 1, SeverityWarning: 2, SeverityNote: 3}
	slices.SortStableFunc(out.Findings, func(a, b Finding) int { return cmp.Compare(rank[a.Severity], rank[b.Severity]) })
	return out, ctx.Err()
}
