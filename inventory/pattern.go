package inventory

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Select lists the hosts that an Ansible host pattern names, in Ansible's order:
// parts separated by : or , are joined, then those with & keep what they have
// too, then those with ! take away. A part is a host, a group, a glob over both,
// or a regular expression after ~; [0], [-1], [1:3] (both ends included) pick
// from it. Each limit narrows the result further, as --limit does; a part @FILE
// of a limit stands for the names in the file, one a line.
//
// Unlike Ansible, a name that is nobody's is an error: running on fewer or, with
// a !, on more hosts than was meant is worse than not running. No host left
// after all is an empty list.
func (inv *Inventory) Select(pattern string, limit ...string) ([]*Host, error) {
	return (&matcher{inv: inv}).match(pattern, limit)
}

// Match is Select as Ansible has it: names that are nobody's are not an error but
// listed in missed, each once.
func (inv *Inventory) Match(pattern string, limit ...string) (hosts []*Host, missed []string, err error) {
	m := &matcher{inv: inv, lenient: true}
	hosts, err = m.match(pattern, limit)
	return hosts, m.missed, err
}

// matcher evaluates a pattern and its limits.
type matcher struct {
	inv     *Inventory
	lenient bool
	missed  []string
}

func (m *matcher) match(pattern string, limit []string) ([]*Host, error) {
	words, err := cutPattern(pattern)
	if err != nil {
		return nil, err
	}
	hosts, err := m.evaluate(words, pattern)
	if err != nil {
		return nil, err
	}
	for _, l := range limit {
		words, err := limitWords(l)
		if err != nil {
			return nil, err
		}
		within, err := m.evaluate(words, l)
		if err != nil {
			return nil, fmt.Errorf("limit: %w", err)
		}
		if len(within) == 0 {
			return nil, fmt.Errorf("limit %s matches no host", shown(l))
		}
		keep := hostSet(within)
		hosts = slices.DeleteFunc(hosts, func(h *Host) bool { return !keep[h] })
	}
	return hosts, nil
}

func hostSet(hosts []*Host) map[*Host]bool {
	set := make(map[*Host]bool, len(hosts))
	for _, h := range hosts {
		set[h] = true
	}
	return set
}

// evaluate applies the parts of one pattern: plain ones first, then &, then !.
func (m *matcher) evaluate(words []string, pattern string) ([]*Host, error) {
	parts, err := splitPattern(words, pattern)
	if err != nil {
		return nil, err
	}
	var hosts []*Host
	seen := make(map[*Host]bool)
	for _, part := range parts.plain {
		found, err := m.part(part, true)
		if err != nil {
			return nil, err
		}
		for _, h := range found {
			if !seen[h] {
				seen[h] = true
				hosts = append(hosts, h)
			}
		}
	}
	for i, part := range append(parts.both, parts.without...) {
		found, err := m.part(part, false)
		if err != nil {
			return nil, err
		}
		set, want := hostSet(found), i < len(parts.both)
		hosts = slices.DeleteFunc(hosts, func(h *Host) bool { return set[h] != want })
	}
	return hosts, nil
}

// patternParts are the parts of a pattern by their sign, without it.
type patternParts struct{ plain, both, without []string }

func splitPattern(words []string, pattern string) (patternParts, error) {
	var out patternParts
	if len(words) == 0 {
		return out, fmt.Errorf("the host pattern is empty; all means every host")
	}
	for _, w := range words {
		switch bare := w[1:]; {
		case (w[0] == '&' || w[0] == '!') && bare == "":
			return out, fmt.Errorf("host pattern %s: a name has to follow the %s", shown(pattern), w)
		case w[0] == '&':
			out.both = append(out.both, bare)
		case w[0] == '!':
			out.without = append(out.without, bare)
		default:
			out.plain = append(out.plain, w)
		}
	}
	if len(out.plain) == 0 {
		out.plain = []string{allGroup}
	}
	return out, nil
}

var subscriptExpr = regexp.MustCompile(`^(.+)\[(?:(-?[0-9]+)|([0-9]+)([:-])([0-9]*))\]$`)

// part finds the hosts of one part; a glob or expression that must match and does
// not is an error, as an unknown name always is.
func (m *matcher) part(part string, must bool) ([]*Host, error) {
	if h, ok := m.inv.byName[part]; ok {
		return []*Host{h}, nil
	}
	name, subscript := part, []string(nil)
	if sub := subscriptExpr.FindStringSubmatch(part); sub != nil && part[0] != '~' {
		name, subscript = sub[1], sub
	}
	hosts, err := m.inv.matchName(name)
	if err != nil {
		return nil, err
	}
	if hosts == nil {
		if h, ok := m.inv.localhost(name); ok {
			return []*Host{h}, nil
		}
		return nil, m.miss(name, must)
	}
	if subscript == nil || m.lenient && len(hosts) == 0 {
		return hosts, nil
	}
	return m.pick(hosts, part, subscript)
}

// miss is the error for a name that is nobody's, where it is one.
func (m *matcher) miss(name string, must bool) error {
	switch {
	case m.lenient && !slices.Contains(m.missed, name):
		m.missed = append(m.missed, name)
		return nil
	case m.lenient, isGlob(name) && !must:
		return nil
	}
	return m.inv.unknown(name)
}

func isGlob(s string) bool { return strings.HasPrefix(s, "~") || strings.ContainsAny(s, "*?[") }

// matchName finds the hosts of all groups and hosts with that name; nil when
// nobody has it. A group without hosts gives an empty list.
func (inv *Inventory) matchName(name string) ([]*Host, error) {
	if !isGlob(name) {
		if g, ok := inv.byGroup[name]; ok {
			return append([]*Host{}, g.Hosts()...), nil
		}
		if h, ok := inv.byName[name]; ok {
			return []*Host{h}, nil
		}
		return nil, nil
	}
	expr, err := nameExpr(name)
	if err != nil {
		return nil, err
	}
	var hosts []*Host
	seen := make(map[*Host]bool)
	take := func(h *Host) {
		if !seen[h] {
			seen[h] = true
			hosts = append(hosts, h)
		}
	}
	for _, g := range inv.groups {
		if expr.MatchString(g.Name) {
			if hosts == nil {
				hosts = []*Host{}
			}
			for _, h := range g.Hosts() {
				take(h)
			}
		}
	}
	for _, h := range inv.listed {
		if expr.MatchString(h.Name) {
			take(h)
		}
	}
	return hosts, nil
}

// nameExpr compiles a glob (*, ?, [abc], [!abc]; of the whole name) or a regular
// expression after ~ (from the beginning of the name).
func nameExpr(s string) (*regexp.Regexp, error) {
	source := ""
	if bare, ok := strings.CutPrefix(s, "~"); ok {
		source = "^(?:" + bare + ")"
	} else {
		source = globExpr(s)
	}
	expr, err := regexp.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("host pattern %s: %w", shown(s), err)
	}
	return expr, nil
}

func globExpr(s string) string {
	out := strings.Builder{}
	out.WriteString("^(?s:")
	for s != "" {
		_, size := utf8.DecodeRuneInString(s)
		switch {
		case s[0] == '*':
			out.WriteString(".*")
		case s[0] == '?':
			out.WriteString(".")
		case s[0] == '[':
			inside, rest, _ := strings.Cut(s[1:], "]")
			out.WriteString(bracketExpr(inside))
			s = rest
			continue
		default:
			out.WriteString(regexp.QuoteMeta(s[:size]))
		}
		s = s[size:]
	}
	out.WriteString(")$")
	return out.String()
}

func bracketExpr(inside string) string {
	negate := ""
	if bare, ok := strings.CutPrefix(inside, "!"); ok {
		negate, inside = "^", bare
	}
	inside = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `^`, `\^`).Replace(inside)
	return "[" + negate + inside + "]"
}

// pick applies a subscript: one index, or a first and last one.
func (m *matcher) pick(hosts []*Host, part string, sub []string) ([]*Host, error) {
	if sub[4] == "-" {
		return nil, fmt.Errorf("host pattern %s: write [%s:%s] for the hosts from one to the other", shown(part), sub[3], sub[5])
	}
	if sub[2] != "" {
		i, err := strconv.Atoi(sub[2])
		if i < 0 {
			i += len(hosts)
		}
		if err != nil || i < 0 || i >= len(hosts) {
			return nil, fmt.Errorf("host pattern %s: %s has %d hosts", shown(part), sub[1], len(hosts))
		}
		return hosts[i : i+1], nil
	}
	first, err := strconv.Atoi(sub[3])
	last, lastErr := len(hosts)-1, error(nil)
	if sub[5] != "" {
		last, lastErr = strconv.Atoi(sub[5])
	}
	switch none := err != nil || lastErr != nil || first >= len(hosts) || last < first; {
	case none && m.lenient:
		return nil, nil
	case none:
		return nil, fmt.Errorf("host pattern %s picks no host; %s has %d", shown(part), sub[1], len(hosts))
	}
	return hosts[first:min(last+1, len(hosts))], nil
}

// unknown is the error for a name that nobody has.
func (inv *Inventory) unknown(name string) error {
	if isGlob(name) {
		return fmt.Errorf("%s matches no host and no group of %s", shown(name), inv.file)
	}
	var groups []string
	for _, g := range inv.groups {
		groups = append(groups, g.Name)
	}
	all := groups
	for _, h := range inv.hosts {
		all = append(all, h.Name)
	}
	if hint := didYouMean(name, all); hint != "" {
		return fmt.Errorf("%s is neither a host nor a group of %s%s", shown(name), inv.file, hint)
	}
	return fmt.Errorf("%s is neither a host nor a group of %s; its groups are %s", shown(name), inv.file, joined(groups))
}
