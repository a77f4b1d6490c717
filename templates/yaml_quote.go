package templates

import (
	"fmt"
	"strings"
)

// scalarAnalysis is in which styles a text can be written.
type scalarAnalysis struct{ flowPlain, blockPlain, single bool }

const yamlBreaks = "\n\u0085\u2028\u2029"

func isBreak(r rune) bool { return strings.ContainsRune(yamlBreaks, r) }

// analyze looks at a text as PyYAML's emitter does.
func analyze(s string) scalarAnalysis {
	if s == "" {
		return scalarAnalysis{blockPlain: true, single: true}
	}
	block := strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...")
	flow := block
	var special, lineBreaks, breakSpace, spaceBreak bool
	runes := []rune(s)
	white := func(i int) bool { return i >= len(runes) || strings.ContainsRune("\x00 \t\r"+yamlBreaks, runes[i]) }
	for i, r := range runes {
		next := white(i + 1)
		if i == 0 {
			if strings.ContainsRune("#,[]{}&*!|>'\"%@`", r) || r == '-' && next {
				flow, block = true, true
			}
			flow = flow || r == '?' || r == ':'
			block = block || (r == '?' || r == ':') && next
		} else {
			flow = flow || strings.ContainsRune(",?[]{}:", r)
			block = block || r == ':' && next
			if r == '#' && white(i-1) {
				flow, block = true, true
			}
		}
		lineBreaks = lineBreaks || isBreak(r)
		special = special || r != '\n' && (r < ' ' || r > '~') && !yamlPrintable(r)
		breakSpace = breakSpace || r == ' ' && i > 0 && isBreak(runes[i-1])
		spaceBreak = spaceBreak || isBreak(r) && i > 0 && runes[i-1] == ' '
	}
	first, last := runes[0], runes[len(runes)-1]
	bare := first != ' ' && last != ' ' && !isBreak(first) && !isBreak(last) && !breakSpace && !spaceBreak && !special && !lineBreaks
	return scalarAnalysis{flowPlain: bare && !flow, blockPlain: bare && !block, single: !breakSpace && !spaceBreak && !special}
}

func yamlPrintable(r rune) bool {
	return r == 0x85 || r >= 0xa0 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd && r != 0xfeff || r >= 0x10000
}

// single writes a text in single quotes, in which a newline is an empty line.
func (w *yamlWriter) single(s string, split bool) {
	w.indicator("'", true, false, false)
	runes := []rune(s)
	for i := 0; i < len(runes); {
		n := i
		switch r := runes[i]; {
		case r == ' ':
			for n < len(runes) && runes[n] == ' ' {
				n++
			}
			if n == i+1 && w.column > w.width && split && i != 0 && n != len(runes) {
				w.startLine()
			} else {
				w.text(string(runes[i:n]))
			}
		case isBreak(r):
			if r == '\n' {
				w.newline()
			}
			for n < len(runes) && isBreak(runes[n]) {
				w.newline()
				n++
			}
			w.startLine()
		case r == '\'':
			w.text("''")
			n++
		default:
			for n < len(runes) && runes[n] != ' ' && runes[n] != '\'' && !isBreak(runes[n]) {
				n++
			}
			w.text(string(runes[i:n]))
		}
		w.begin, w.spaced = false, false
		i = n
	}
	w.indicator("'", false, false, false)
}

var yamlEscapes = map[rune]string{0: "0", 7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 0x1b: "e", '"': `"`, '\\': `\`,
	0x85: "N", 0xa0: "_", 0x2028: "L", 0x2029: "P"}

// double writes a text in double quotes, with escapes.
func (w *yamlWriter) double(s string, split bool) {
	w.indicator(`"`, true, false, false)
	runes := []rune(s)
	start := 0
	for end := 0; end <= len(runes); end++ {
		var r rune
		if end < len(runes) {
			r = runes[end]
		}
		if end == len(runes) || mustEscape(r) {
			w.text(string(runes[min(start, end):end]))
			start = end
			if end < len(runes) {
				w.text(escaped(r))
				start = end + 1
			}
		}
		if end > 0 && end < len(runes)-1 && (r == ' ' || start >= end) && w.column+end-start > w.width && split {
			if start < end {
				w.text(string(runes[start:end]) + `\`)
				start = end
			} else {
				w.text(`\`)
			}
			w.startLine()
			w.spaced, w.begin = false, false
			if runes[start] == ' ' {
				w.text(`\`)
			}
		}
	}
	w.indicator(`"`, false, false, false)
}

func mustEscape(r rune) bool {
	if strings.ContainsRune("\"\\\u0085\u2028\u2029\ufeff", r) {
		return true
	}
	return !(r >= ' ' && r <= '~' || r >= 0xa0 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd)
}

func escaped(r rune) string {
	if e, ok := yamlEscapes[r]; ok {
		return `\` + e
	}
	switch {
	case r <= 0xff:
		return fmt.Sprintf(`\x%02X`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04X`, r)
	}
	return fmt.Sprintf(`\U%08X`, r)
}
