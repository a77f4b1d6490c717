package controller

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"eucactl/inventory"
	"eucactl/ordered"
	"eucactl/state"
)

// masker takes secrets out of text: those that are known by their words, and whatever
// looks like one.
type masker struct{ known *strings.Replacer }

const masked = "***"

// shortestSecret is how long a word must be to be looked for everywhere.
const shortestSecret = 6

// looksSecret are forms in which programs write secrets down. What stands before the
// secret is kept.
var looksSecret = []*regexp.Regexp{
	regexp.MustCompile(`(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)`),
	regexp.MustCompile(`(?i)((?:pass(?:word|wd|phrase)?|secret|token|credential|api_?key|incominguser|outgoinguser|chap[a-z_]*)["']?\s*[=:]\s*)("[^"\n]*"|'[^'\n]*'|[^\s,;]+)`),
	regexp.MustCompile(`(?i)(\b(?:secret|password)\s+)("[^"\n]*"|[^\s;=:*"][^\s;]*)`), // dhcpd.conf's keys
	regexp.MustCompile(`(?m)^()[A-Za-z0-9+/]{40,}={0,2}$`),                            // a line of a key whose beginning is cut off
	regexp.MustCompile(`(?i)(authorization:\s*\w+\s+)\S+`),
}

// plain takes out the secrets that are known: for text that holds no others.
func (m masker) plain(text string) string { return m.known.Replace(text) }

// clean also takes out what looks like one.
func (m masker) clean(text string) string {
	text = m.plain(text)
	for _, form := range looksSecret {
		text = form.ReplaceAllString(text, "${1}"+masked)
	}
	return text
}

// mask knows the guests' user data and the inventory's secret-looking variables.
func (c *Controller) mask(tx *state.Tx) masker {
	var hide []string
	for _, in := range tx.Instances() {
		data, err := userData(tx, in)
		if err != nil {
			continue // it is not there to be shown either
		}
		hide = append(hide, data.Reveal())
		hide = append(hide, strings.Split(data.Reveal(), "\n")...)
	}
	for _, h := range c.Inventory.Hosts() {
		hide = secretWords(hide, h.Vars)
	}
	for _, g := range c.Inventory.Groups() {
		hide = secretWords(hide, g.Vars)
	}
	var pairs []string
	for _, s := range slices.SortedFunc(slices.Values(hide), func(a, b string) int { return cmp.Compare(len(b), len(a)) }) {
		if s = strings.TrimSpace(s); len(s) >= shortestSecret {
			pairs = append(pairs, s, masked)
		}
	}
	return masker{strings.NewReplacer(pairs...)}
}

var secretName = regexp.MustCompile(`(?i)pass|secret|token|credential|chap|private|api_?key|auth`)

// secretVar says whether a variable's name sounds like a secret; the file that a key
// is in is none.
func secretVar(name string) bool {
	return secretName.MatchString(name) && !strings.HasSuffix(name, "_file")
}

// secretWords adds what variables with such names hold, however deep.
func secretWords(hide []string, v any) []string {
	ordered.Each(v, func(name string, item any) {
		if secretVar(name) {
			hide = allWords(hide, item)
		} else {
			hide = secretWords(hide, item)
		}
	})
	return hide
}

func allWords(hide []string, v any) []string {
	switch v := v.(type) {
	case map[string]any, []any, *ordered.Map:
		ordered.Each(v, func(_ string, item any) { hide = allWords(hide, item) })
	case nil, bool:
	default:
		text := fmt.Sprint(v)
		hide = append(append(hide, text), strings.Split(text, "\n")...)
	}
	return hide
}

// maskedInventory is the inventory as eucactl inventory --list prints it, without what
// sounds secret.
func maskedInventory(inv *inventory.Inventory) (string, error) {
	text, err := inv.ListJSON()
	if err != nil {
		return "", err
	}
	var all any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&all); err != nil {
		return "", err
	}
	maskVars(all)
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err = enc.Encode(all)
	return out.String(), err
}

func maskVars(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			if secretVar(name) {
				v[name] = masked
			} else {
				maskVars(v[name])
			}
		}
	case []any:
		for _, item := range v {
			maskVars(item)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
