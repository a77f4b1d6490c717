package eucactl

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMutantsApply keeps the patches of make mutants in step with what they break: one
// that no longer applies proves nothing.
func TestMutantsApply(t *testing.T) {
	patches, err := filepath.Glob("sim/testdata/mutants/*.patch")
	if err != nil || len(patches) < 25 {
		t.Fatalf("%d mutants: %v", len(patches), err)
	}
	for _, path := range patches {
		text, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("patch", "--dry-run", "--force", "--strip", "1")
		cmd.Stdin = text
		if words, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", path, err, words)
		}
		if err := text.Close(); err != nil {
			t.Error(err)
		}
	}
}
