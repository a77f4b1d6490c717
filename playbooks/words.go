package playbooks

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"eucactl/templates"
)

// A lexicon knows which names a text with templates in it may speak of, so that
// only their variables are made. It may be used by several goroutines at a time.
type lexicon struct {
	mu    sync.Mutex
	known map[string]*speech
}

// speech is what a text speaks of.
type speech struct {
	names   []string // that could be variables, each once
	all     bool     // it looks variables up by names that are not in it
	others  bool     // it speaks of hostvars
	plainly bool     // and names which variables of them
	files   []string // templates that it renders by lookup

	computed bool // it leads to templates whose names are not in it
}

var (
	nameWord   = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
	literal    = regexp.MustCompile(`lookup\(\s*['"](?:ansible\.builtin\.)?template['"]\s*,\s*['"]([^'"]+)['"]`)
	everything = regexp.MustCompile(`\b(?:varnames|vars|q|query|lookup|template)\b`)
	aTemplate  = regexp.MustCompile(`\b(?:lookup|query|q)\(\s*['"](?:ansible\.builtin\.)?template['"]`)
	ofFiles    = regexp.MustCompile(`\b(?:lookup|query|q)\(\s*['"](?:ansible\.builtin\.)?(?:file|env|fileglob|first_found|pipe|password|items|list|dict|sequence|lines|csvfile|ini|random_choice|nested|together|subelements|indexed_items|flattened|inventory_hostnames|config|url)['"]`)
)

// of is what text speaks of.
func (l *lexicon) of(text string) *speech {
	if l == nil {
		return speechOf(text)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, ok := l.known[text]; ok {
		return s
	}
	s := speechOf(text)
	if l.known == nil {
		l.known = map[string]*speech{}
	}
	l.known[text] = s
	return s
}

// plainly is hostvars[host].name, hostvars[host]['name'], or map('extract', hostvars, 'name').
var plainly = regexp.MustCompile(`\bhostvars(?:\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]|\.[A-Za-z_]\w*)\s*(?:\.\s*[A-Za-z_]|\[\s*['"])|\bhostvars\s*,\s*\[?['"]|\bin hostvars\b(?:\s*(?:[)}%]|and\b|or\b|else\b))`)

func speechOf(text string) *speech {
	s := &speech{}
	seen := map[string]bool{}
	for _, w := range nameWord.FindAllString(text, -1) {
		if !seen[w] {
			seen[w] = true
			s.names = append(s.names, w)
		}
	}
	s.others = seen["hostvars"]
	s.plainly = len(plainly.FindAllString(text, -1)) == strings.Count(text, "hostvars")
	rest := text
	for _, m := range literal.FindAllStringSubmatch(text, -1) {
		s.files = append(s.files, m[1])
		rest = strings.Replace(rest, m[0], "", 1)
	}
	rest = ofFiles.ReplaceAllString(rest, "")
	s.all = everything.MatchString(rest)
	s.computed = aTemplate.MatchString(rest)
	return s
}

// spokenIn is what a template speaks of, and what those do that it leads to. One
// that is not known beforehand may speak of everything.
func spokenIn(set *templates.Set, words *lexicon, w templates.Written) *speech {
	if s := words.of(w.Text); len(w.Links)+len(s.files) == 0 && !w.Computed && !s.computed {
		return s // as most do
	}
	out := &speech{plainly: true}
	eachReached(set, words, w, func(w templates.Written, s *speech) {
		out.names = append(out.names, s.names...)
		out.computed = out.computed || s.computed || w.Computed
		out.all, out.others = out.all || s.all || out.computed, out.others || s.others || out.computed
		out.plainly = out.plainly && s.plainly
	})
	return out
}

// eachReached visits a template and those that it leads to, each once.
func eachReached(set *templates.Set, words *lexicon, w templates.Written, visit func(templates.Written, *speech)) {
	seen := map[templates.Link]bool{}
	var reach func(w templates.Written)
	reach = func(w templates.Written) {
		s := words.of(w.Text)
		visit(w, s)
		links := slices.Clip(w.Links)
		for _, name := range s.files {
			links = append(links, templates.Link{Name: name})
		}
		for _, l := range links {
			if !seen[l] {
				seen[l] = true
				reach(set.Written(l))
			}
		}
	}
	reach(w)
}
