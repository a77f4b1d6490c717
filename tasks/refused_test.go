package tasks

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRefusedIsWhatAHostSays holds Refused to hosts on which every task fails.
func TestRefusedIsWhatAHostSays(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		p := program(t, "fate.sh", fate)
		dir := t.TempDir()
		for i := range 60 {
			call(t, p, "fate", "end", "blind", "dir", dir)
			for range min(i, r.IntN(3)) {
				var terms []string
				for range 1 + r.IntN(2) {
					terms = append(terms, fmt.Sprintf("%c%d", "nnocfs"[r.IntN(6)], r.IntN(i)))
				}
				p.Tasks[i].Guard += " " + strings.Join(terms, "|")
			}
			p.Tasks[i].Guard = strings.TrimSpace(p.Tasks[i].Guard)
			if r.IntN(4) == 0 {
				p.Tasks[i].Flags.Failed = No
			}
		}
		said := run(t, sh, p, hostEnv(t)).Results
		got := p.Refused("cannot see").Results
		for i := range got {
			if got[i].Outcome != Skipped {
				got[i].RC = said[i].RC
			}
		}
		if diff := cmp.Diff(said, got); diff != "" {
			t.Error(diff)
		}
	})
}
