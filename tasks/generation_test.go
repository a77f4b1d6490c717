package tasks

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// generation is a content of chains as plans make them: each chain's mark ends in the
// sum of its rules, and EUCA-GENERATION's in the sum of these. Change n replaces one
// group's chain.
func generation(n int) string {
	const groups = 12
	var chains, rules strings.Builder
	var lines []string
	add := func(name, text string) {
		s := Sum(text)[:12]
		lines = append(lines, name+" "+s+"\n")
		fmt.Fprintf(&chains, ":%s -\n", name)
		fmt.Fprintf(&rules, "-A %s -m comment --comment \"eucactl c10d0001 x %s\"\n%s", name, s, text)
	}
	add("EUCA-FORWARD", "-A EUCA-FORWARD -d 10.0.0.0/24 -j DROP\n")
	for i := range groups {
		last := n - (n-i+groups)%groups // the last change of this group
		name, text := fmt.Sprintf("u-g%d", i), ""
		for j := range 20 {
			text += fmt.Sprintf("-A %s -s 1.2.3.%d -p tcp --dport %d -j ACCEPT\n", name, j, 1000+max(last, 0))
		}
		add(name, text)
	}
	slices.Sort(lines)
	whole := fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(lines, ""))))[:12]
	return chains.String() + ":EUCA-GENERATION -\nhook FORWARD EUCA-FORWARD\n" + rules.String() +
		"-A EUCA-GENERATION -m comment --comment \"eucactl c10d0001 generation " + whole + "\"\n"
}

var markSum = regexp.MustCompile(`--comment "eucactl c10d0001 .*?([0-9a-f]{12})"`)

// sample is what anybody sees of a dump: which generation it says it is, and whether
// the chains that are there are that.
func sample(dump string) (says string, whole bool) {
	var lines []string
	first := map[string]bool{}
	for line := range strings.Lines(dump) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "-A" || first[f[1]] {
			continue
		}
		first[f[1]] = true
		m := markSum.FindStringSubmatch(line)
		switch {
		case f[1] == "EUCA-GENERATION" && m != nil:
			says = m[1]
		case m != nil:
			lines = append(lines, f[1]+" "+m[1]+"\n")
		case f[1] != "FORWARD":
			return says, false
		}
	}
	slices.Sort(lines)
	return says, says == fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(lines, ""))))[:12]
}

// TestChainsOneGeneration reads the rules in a tight loop while 200 changes are made:
// every dump is of one plan.
func TestChainsOneGeneration(t *testing.T) {
	underEachBackend(t, func(t *testing.T, h chainsHost) {
		changes := 200
		if h.sh.name != "dash" {
			changes = 20
		}
		h.wants(kindCall{"chains", "table", "filter", "content", generation(0)}, kindApply, Changed)
		p := program(t)
		for n := range changes {
			call(t, p, "chains", "table", "filter", "content", generation(n+1))
		}
		sampler := h.at("/bin/dash", "-c", `while [ ! -e /mnt/stop ]; do iptables-save -t filter; echo "# sampled"; done`)
		out, err := sampler.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := sampler.Start(); err != nil {
			t.Fatal(err)
		}
		torn, samples, seen := 0, 0, map[string]bool{}
		done := make(chan error, 1)
		go func() {
			done <- eachSample(out, func(dump string) {
				says, whole := sample(dump)
				samples++
				seen[says] = true
				if !whole {
					torn++
					t.Errorf("sample %d says it is %s, and is not:\n%.3000s", samples, says, dump)
				}
			})
		}()
		r := h.runAll(p, kindApply)
		h.do(`touch /mnt/stop`)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := sampler.Wait(); err != nil {
			t.Fatal(err)
		}
		for _, one := range r.Results {
			if one.Outcome != Changed {
				t.Fatalf("%+v", one)
			}
		}
		t.Logf("%d changes, %d samples of %d generations, %d of no one plan", changes, samples, len(seen), torn)
		if len(seen) < changes/10 {
			t.Error("the sampler saw too little to say anything")
		}
	})
}

func eachSample(r io.Reader, see func(dump string)) error {
	var b strings.Builder
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if lines.Text() == "# sampled" {
			see(b.String())
			b.Reset()
			continue
		}
		b.WriteString(lines.Text() + "\n")
	}
	return lines.Err()
}
