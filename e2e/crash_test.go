package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"eucactl/controller"
)

// A step is one request of the scenario, and how to undo it so that it can be tried again.
type step struct {
	name string
	ask  func() []string
	undo func()
}

// TestCrash kills eucactl with signal 9 at every commit, at every line that a host reports, and at seeded times between,
// in the middle of each request of a scenario: two instances are started, a port is opened, an elastic address moves,
// one instance is terminated. Whoever asked asks again, with the token of his request, and after one reconcile the hosts
// and the records are what they are without a kill: nothing twice, nothing lost, nothing left over.
func TestCrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "crash", 2)
	random := dice(t)
	for _, s := range w.scenario() {
		tried := false
		t.Run(s.name, func(t *testing.T) {
			tried, w.t = true, t
			w.crashes(s, random)
		})
		if w.t = t; !tried { // -run names others, which begin where this one ends
			w.must(append(s.ask(), "--wait")...)
		}
	}
}

// scenario is what is done, in this order: each step begins where the one before, undone and done once more, ended.
func (w *world) scenario() []step {
	two := func() { w.must("run-instances", w.image, "-n", "2", "--wait") }
	none := func() {
		w.must(append([]string{"terminate-instances", "--wait"}, w.instances()...)...)
		for _, node := range []string{"node1", "node2"} {
			w.on(node, "rm -rf /var/lib/eucactl/host/images") // to be sent again
		}
	}
	elastic := ""
	return []step{
		{"run", func() []string { return []string{"run-instances", w.image, "-n", "2"} }, none},
		{"authorize", func() []string { return []string{"authorize", "default", "-P", "tcp", "-p", "22"} },
			func() { w.must("revoke", "default", "-P", "tcp", "-p", "22") }},
		{"associate", func() []string {
			if elastic == "" {
				elastic = strings.Split(w.must("allocate-address"), "\t")[1]
				w.must("associate-address", elastic, w.instances()[0])
			}
			return []string{"associate-address", elastic, w.instances()[1]}
		}, func() { w.must("associate-address", elastic, w.instances()[0]) }},
		{"terminate", func() []string { return []string{"terminate-instances", w.instances()[0]} },
			func() { none(); two(); w.must("associate-address", elastic, w.instances()[1]) }},
	}
}

// crashes does the step unkilled, and then with a kill at each point.
func (w *world) crashes(s step, random *rand.Rand) {
	// What the very first request finds is made once: addresses, chains, folders.
	w.must(append(s.ask(), "--wait")...)
	s.undo()
	begin := time.Now()
	counted := w.crash("count:0", 0, append(s.ask(), "--wait")...)
	took := time.Since(begin)
	if counted.code != 0 {
		w.t.Fatalf("unkilled: %d: %s", counted.code, counted.err)
	}
	want := w.settled()
	points := crashPoints(counted.err)
	w.t.Logf("%d points, and times within %v", len(points), took)
	if !soak() {
		points = sample(random, points, 4)
	}
	for _, point := range append(points, times(random, took)...) {
		s.undo()
		w.killed(point, s.ask(), want)
		if w.t.Failed() {
			return
		}
	}
}

// crashPoints are those that an unkilled run announced.
func crashPoints(words string) (points []string) {
	for _, line := range strings.Split(words, "\n") {
		if point, ok := strings.CutPrefix(line, "crash point "); ok {
			points = append(points, point)
		}
	}
	return points
}

// sample takes n of the points, commits as likely as report lines.
func sample(random *rand.Rand, points []string, n int) (some []string) {
	random.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	slices.SortStableFunc(points, func(a, b string) int {
		return strings.Compare(strings.Split(a, ":")[0], strings.Split(b, ":")[0])
	})
	lines := slices.IndexFunc(points, func(p string) bool { return strings.HasPrefix(p, "line:") })
	some = append(some, points[lines:lines+n/2]...)
	for _, i := range random.Perm(lines)[:n-n/2] {
		some = append(some, points[i])
	}
	return some
}

// times are moments within the run's length: 100 in all, for four steps.
func times(random *rand.Rand, took time.Duration) (list []string) {
	n := 25
	if !soak() {
		n = 1
	}
	for range n {
		list = append(list, fmt.Sprintf("time:%d", random.Int64N(int64(took/time.Microsecond))))
	}
	return list
}

// killed makes a request, kills eucactl in the middle, asks again, reconciles once, and compares.
func (w *world) killed(point string, request []string, want []string) {
	w.t.Helper()
	token := "kill-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	request = append(request, "--client-token", token)
	var limit time.Duration
	if us, ok := strings.CutPrefix(point, "time:"); ok {
		n, _ := strconv.Atoi(us)
		limit = time.Duration(n)*time.Microsecond + 1
	}
	if a := w.crash(point, limit, append(slices.Clone(request), "--wait")...); a.code > 0 {
		w.t.Fatalf("%s: not killed but failed with %d: %s", point, a.code, a.err)
	}
	if a := w.run(append(slices.Clone(request), "--no-wait")...); a.code != 0 {
		w.t.Fatalf("%s: asked again: %d: %s", point, a.code, a.err)
	}
	if a := w.run("reconcile"); a.code != 0 {
		w.t.Fatalf("%s: reconcile: %d\n%s%s", point, a.code, a.out, a.err)
	}
	if diff := cmp.Diff(want, w.settled()); diff != "" {
		w.t.Errorf("killed at %s, asked again and reconciled, it is not as without the kill (-want +got):\n%s", point, diff)
	}
}

// settled is the picture of a cloud in which nothing is left to be done, and whose accounts are in order.
func (w *world) settled() []string {
	w.t.Helper()
	for _, wrong := range w.records().accounts() {
		w.t.Error(wrong)
	}
	picture := w.picture()
	for _, h := range w.reconcile().Hosts {
		if h.Outcome != controller.HostOK || h.Changed+h.Failed > 0 {
			w.t.Errorf("a further reconcile says of %s: %s %s %+v", h.Host, h.Outcome, h.Words, h.Tasks)
		}
	}
	return picture
}

// reconcile is `eucactl reconcile -o json ARGS`.
func (w *world) reconcile(args ...string) (r controller.Reconciled) {
	w.t.Helper()
	a := w.run(append([]string{"reconcile", "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(a.out), &r); err != nil {
		w.t.Fatalf("reconcile %v: %v\n%s%s", args, err, a.out, a.err)
	}
	return r
}
