package playbooks

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The table of keywords in docs/playbooks.md is the one that the reader goes by;
// -update writes it.
func TestKeywordsAreDocumented(t *testing.T) {
	const file, begin, end = "../docs/playbooks.md", "<!-- keywords -->\n", "<!-- end of keywords -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %q and %q", file, begin, end)
	}
	want := keywordTable()
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s has another table (go test ./playbooks -run Keywords -update):\n%s", file, want)
	}
}

func keywordTable() string {
	var b strings.Builder
	b.WriteString("\n| word | in | |\n|---|---|---|\n")
	for _, k := range keywords {
		note := k.note
		switch k.how {
		case refused:
			note = "refused: " + note
		case supported:
			note = "as in Ansible"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.name, k.in, note)
	}
	return b.String() + "\n"
}
