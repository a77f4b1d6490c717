package bench

import (
	"os"
	"testing"
)

// folder is a new one on the machine's disk, gone with the benchmark: /tmp may be memory, where a sync is free.
func folder(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "eucactl-bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	return dir
}
