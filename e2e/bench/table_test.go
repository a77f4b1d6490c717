package bench

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"text/tabwriter"
	"time"
)

// row is a line of the table: what was measured, our figure, and the figure of the floor or peer that was measured in
// turn with it.
type row struct {
	name        string
	ours, floor string
	ratio       string
}

// table gathers the rows of all benchmarks of one run.
type table struct {
	mu   sync.Mutex
	rows []row
}

func (t *table) add(r row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, r)
}

// print writes the table, if anything was measured.
func (t *table) print(w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(tw, "name\tours\tfloor/peer\tratio\n")
	for _, r := range t.rows {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", r.name, dash(r.ours), dash(r.floor), dash(r.ratio))
	}
	return tw.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// times adds a row of durations: the medians of what was measured in turn.
func (t *table) times(name string, ours, floor []time.Duration) {
	r := row{name: name, ours: spread(ours)}
	if len(floor) > 0 {
		r.floor = spread(floor)
		r.ratio = fmt.Sprintf("%.2f", float64(median(ours))/float64(median(floor)))
	}
	t.add(r)
}

// faster adds a row of durations whose ratio says how many times as long the peer takes.
func (t *table) faster(name string, ours, peer []time.Duration) {
	t.add(row{name, spread(ours), spread(peer), fmt.Sprintf("%.1f times as fast", float64(median(peer))/float64(median(ours)))})
}

// rates adds a row of things a second; its ratio is also how many times as long ours takes.
func (t *table) rates(name string, count int, ours, floor []time.Duration) {
	rate := func(list []time.Duration) float64 { return float64(count) / median(list).Seconds() }
	t.add(row{name, fmt.Sprintf("%.0f/s", rate(ours)), fmt.Sprintf("%.0f/s", rate(floor)), fmt.Sprintf("%.2f", rate(floor)/rate(ours))})
}

// spread is a median with the least and the most: "6.10 s (5.98 s-6.40 s)".
func spread(list []time.Duration) string {
	if len(list) == 1 {
		return short(list[0])
	}
	return fmt.Sprintf("%s (%s-%s)", short(median(list)), short(slices.Min(list)), short(slices.Max(list)))
}

func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.1f us", float64(d)/float64(time.Microsecond))
}

func median(list []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// took measures one call.
func took(fn func()) time.Duration {
	begin := time.Now()
	fn()
	return time.Since(begin)
}

// repeat measures a call several times.
func repeat(n int, fn func()) (list []time.Duration) {
	for range n {
		list = append(list, took(fn))
	}
	return list
}
