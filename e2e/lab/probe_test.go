package lab

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLearnProbes(t *testing.T) {
	dir := t.TempDir()
	l := up(t, "probes", Options{Dir: filepath.Join(dir, "lab"), Hosts: []string{"a"}})
	for range 2 {
		if err := l.learnProbes(); err != nil {
			t.Fatal(err)
		}
		if fresh, err := l.probesFresh(); err != nil || !fresh {
			t.Errorf("after learning: fresh %v, %v", fresh, err)
		}
	}
	if _, err := os.Stat(l.hostDir("probe")); err == nil || namespaceExists(l.Net("probe")) {
		t.Error("the node that was asked is still there")
	}
}
