package inventory

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// shellWords cuts a line into words as a shell does that knows quotes and the
// backslash only. A # ends the line, as in Ansible even in the middle of a word.
// There is at least one word.
func shellWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	begun, quote := false, byte(0)
	end := func() {
		if begun {
			words = append(words, word.String())
			word.Reset()
			begun = false
		}
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		escapes := c == '\\' && quote != '\''
		if escapes && i+1 == len(line) {
			return nil, errors.New("nothing follows the \\ at the end of the line; write \\\\ or put it in single quotes")
		}
		switch {
		case escapes:
			if next := line[i+1]; quote == '"' && next != '"' && next != '\\' {
				word.WriteByte(c)
			}
			i++
			word.WriteByte(line[i])
			begun = true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '"' || c == '\'':
			quote, begun = c, true
		case c == ' ' || c == '\t':
			end()
		case c == '#':
			end()
			return wordsOf(words)
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quote (%c) is not closed", quote)
	}
	end()
	return wordsOf(words)
}

func wordsOf(words []string) ([]string, error) {
	if len(words) == 0 {
		return nil, errors.New("this line has no host")
	}
	return words, nil
}

// cutPort takes the port off the end of a host's name: name:22, [2001:db8::1]:22.
// A port of 0 is none.
func cutPort(word string) (string, int, error) {
	if _, err := netip.ParseAddr(word); err == nil {
		return word, 0, nil
	}
	colon := strings.LastIndexByte(word, ':')
	if colon < 0 || strings.LastIndexByte(word, '[') > strings.LastIndexByte(word[:colon], ']') {
		return word, 0, nil
	}
	name, digits := word[:colon], word[colon+1:]
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 {
		return "", 0, fmt.Errorf("%s is not the name of a host; behind a colon stands a port", shown(word))
	}
	if inside, ok := strings.CutPrefix(name, "["); ok && strings.HasSuffix(inside, "]") {
		inside = strings.TrimSuffix(inside, "]")
		if _, err := netip.ParseAddr(inside); err == nil {
			return inside, int(port), nil
		}
	}
	return name, int(port), nil
}
