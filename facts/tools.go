package facts

import (
	"fmt"
	"strings"
)

// Tools is the script that prints which of the programs, named or with their paths,
// can be run, one a line.
func Tools(names ...string) string {
	var b strings.Builder
	b.WriteString("\nfor name in")
	for _, name := range names {
		b.WriteString(" " + quote(name))
	}
	return b.String() + `; do
	command -v "$name" >/dev/null 2>&1 && printf '%s\n' "$name"
done
echo end
`
}

// ReadTools reads what the script of Tools printed.
func ReadTools(text string) ([]string, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[len(lines)-1] != "end" {
		return nil, fmt.Errorf("tools: cut off: %q", text)
	}
	return lines[:len(lines)-1], nil
}
