package tasks

import (
	"os"
	"strings"
	"testing"
)

func TestCutProgramRunsNothing(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		p, e := program(t, "act.sh", act), hostEnv(t)
		root := t.TempDir()
		e.HostDir, e.RunDir, e.Lock = root+"/host", root+"/run", root+"/lock"
		e.Fence = &Fence{Token: "t1"}
		e.FactsScript = "echo facts >" + root + "/facts"
		call(t, p, "act", "path", root+"/acted")
		call(t, p, "rendered", "path", root+"/f", "content", "touch '"+root+"/touched'\n}\ntouch "+root+"/touched\n")
		p.Sections = []Section{{"s", "echo section >" + root + "/section"}}
		text, err := p.Text(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, cut := range cuts(text, len(sh.name)) {
			cmd := sh.command()
			cmd.Dir = root
			cmd.Stdin = strings.NewReader(text[:cut])
			out, _ := cmd.CombinedOutput()
			if strings.Contains(string(out), testMark+" ") {
				t.Fatalf("cut at %d of %d it says %s", cut, len(text), out)
			}
			if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
				t.Fatalf("cut at %d of %d it left %v %v", cut, len(text), left, err)
			}
		}
		if r := run(t, sh, p, e); !r.Stage || !exists(root+"/facts") {
			t.Fatalf("uncut it does not run: %+v", r)
		}
	})
}

// cuts are places to cut a program before its last word is complete: all of
// them with EUCACTL_SOAK set, else a sample that is rich in line ends.
func cuts(text string, seed int) []int {
	whole := len(text) - len("\n")
	var at []int
	for i := 1; i < whole; i++ {
		lineEnd := text[i-1] == '\n' && i%5 == seed%5
		if os.Getenv("EUCACTL_SOAK") != "" || lineEnd || i%211 == seed || i > whole-25 {
			at = append(at, i)
		}
	}
	return at
}
