package inventory

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
)

// cutPattern cuts at colons, commas and blanks that are not inside brackets. An
// IPv6 address between commas is one word.
func cutPattern(pattern string) ([]string, error) {
	if len(pattern) > 10000 {
		return nil, fmt.Errorf("the host pattern is longer than 10000 letters")
	}
	var words []string
	for _, part := range strings.Split(pattern, ",") {
		address := strings.TrimLeft(strings.TrimSpace(part), "&!")
		if _, err := netip.ParseAddr(address); err == nil {
			words = append(words, strings.TrimSpace(part))
			continue
		}
		more, err := cutWords(part, pattern)
		if err != nil {
			return nil, err
		}
		words = append(words, more...)
	}
	return words, nil
}

func cutWords(part, pattern string) (words []string, err error) {
	word, open := strings.Builder{}, false
	flush := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	for _, r := range part {
		switch {
		case !open && strings.ContainsRune(": \t\n", r):
			flush()
			continue
		case r == '[':
			open = true
		case r == ']' && !open:
			return nil, fmt.Errorf("host pattern %s has a ] without a [", shown(pattern))
		case r == ']':
			open = false
		}
		word.WriteRune(r)
	}
	if open {
		return nil, fmt.Errorf("host pattern %s has a [ without a ]", shown(pattern))
	}
	flush()
	return words, nil
}

// limitWords are the parts of a limit: @FILE is replaced by the names in the file.
func limitWords(limit string) ([]string, error) {
	words := []string{limit}
	if !strings.HasPrefix(limit, "@") || strings.Contains(limit, ",") {
		var err error
		if words, err = cutPattern(limit); err != nil {
			return nil, fmt.Errorf("limit: %w", err)
		}
	}
	var all []string
	for _, w := range words {
		path, isFile := strings.CutPrefix(w, "@")
		if !isFile {
			all = append(all, w)
			continue
		}
		names, err := limitFile(path)
		if err != nil {
			return nil, fmt.Errorf("limit %s: %w", shown(w), err)
		}
		all = append(all, names...)
	}
	return all, nil
}

// limitFile reads a file with one pattern a line, such as a retry file.
func limitFile(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err == nil && len(data) > maxFileSize {
		err = fmt.Errorf("the file is larger than %d MiB", maxFileSize>>20)
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			names = append(names, line)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("the file names no host")
	}
	return names, nil
}
