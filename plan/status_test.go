package plan

import (
	"testing"
	"time"

	"eucactl/cloud"
)

// The states and sentences that describe-instances shows.
//
// proves A23 E13
func TestStatus(t *testing.T) {
	failed := func(words string) func(*cloud.Seen) {
		return func(s *cloud.Seen) { s.Ran, s.Failed = false, []string{words} }
	}
	noList := func(s *cloud.Seen) { s.DomainsAt = s.DomainsAt.Add(-time.Minute) }
	type show func(*world, cloud.InstanceID)
	report := func(host string, edit func(cloud.InstanceID) func(*cloud.Seen)) show {
		return func(w *world, id cloud.InstanceID) { w.report(host, edit(id)) }
	}
	shows := func(edit func(*cloud.SeenDomain)) show {
		return report("n1", func(id cloud.InstanceID) func(*cloud.Seen) { return with(id, edit) })
	}
	end := func(w *world, id cloud.InstanceID) { w.end(id) }
	for _, test := range []struct {
		name       string
		steps      []show
		state, why string
	}{
		{"just recorded", nil, "pending", "waits for n1"},
		{"running", []show{shows(func(*cloud.SeenDomain) {})}, "running", ""},
		{"idle is running", []show{shows(func(d *cloud.SeenDomain) { d.State = "idle" })}, "running", ""},
		{"paused", []show{shows(func(d *cloud.SeenDomain) { d.State, d.Reason = "paused", "I/O error" })}, "running", "n1 shows it paused (I/O error)"},
		{"pending restart", []show{shows(func(d *cloud.SeenDomain) { d.Pending = true })}, "running", "pending restart: its definition changed"},
		{"crashed", []show{shows(func(d *cloud.SeenDomain) { d.State, d.Reason = "shut off", "crashed" })}, "pending", "n1 shows it shut off (crashed)"},
		{"another cloud's", []show{shows(func(d *cloud.SeenDomain) { d.Cloud = "c2000002" })}, "pending", "n1 has a machine i-00000005 that is not ours: it is left alone"},
		{"its task failed", []show{report("n1", func(id cloud.InstanceID) func(*cloud.Seen) {
			return func(s *cloud.Seen) {
				without(id)(s)
				failed("machine " + string(id) + ": disk: no space left on device")(s)
			}
		})}, "pending", "waits for n1 (machine i-00000005: disk: no space left on device)"},
		{"another task failed", []show{report("n1", func(id cloud.InstanceID) func(*cloud.Seen) {
			return func(s *cloud.Seen) { without(id)(s); failed("bridge: no")(s) }
		})}, "pending", "waits for n1"},
		{"silent before it began", []show{func(w *world, _ cloud.InstanceID) { w.silent("n1") }}, "pending", "waits for n1: n1 is unreachable: connect: no route to host"},
		{"silent later", []show{shows(func(*cloud.SeenDomain) {}), func(w *world, _ cloud.InstanceID) { w.silent("n1") }},
			"not-reported", "not reported since 2026-01-02T12:00:00Z: n1 is unreachable: connect: no route to host"},
		{"cannot tell", []show{shows(func(*cloud.SeenDomain) {}), report("n1", func(cloud.InstanceID) func(*cloud.Seen) {
			return func(s *cloud.Seen) { noList(s); failed("machine i-00000005: running: cannot connect to libvirtd")(s) }
		})}, "not-reported", "n1 cannot tell: it gave no list of machines (machine i-00000005: running: cannot connect to libvirtd)"},
		{"ended at once", []show{end}, "shutting-down", "waits for n1"},
		{"its node was seen without it", []show{end, report("n1", func(cloud.InstanceID) func(*cloud.Seen) { return func(*cloud.Seen) {} })},
			"shutting-down", "waits for the frontend of one"},
		{"ended while its node is silent", []show{end, func(w *world, _ cloud.InstanceID) { w.silent("n1") }},
			"shutting-down", "waits for n1: n1 is unreachable: connect: no route to host"},
		{"gone", []show{end, func(w *world, _ cloud.InstanceID) { w.converge() }}, "terminated", "User initiated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, oneCluster)
			in := w.run(1, w.group("alice", "web"))[0]
			for _, step := range test.steps {
				step(w, in.ID)
			}
			if got := StatusOf(w.store.View(), w.instance(in.ID)); got != (Status{test.state, test.why}) {
				t.Errorf("%+v, want %s, %s", got, test.state, test.why)
			}
		})
	}
}

func TestStrays(t *testing.T) {
	w := newWorld(t, oneCluster)
	in := w.run(1, w.group("alice", "web"))[0]
	w.report("n1", func(s *cloud.Seen) {
		s.Domains = []cloud.SeenDomain{
			{Name: string(in.ID), Cloud: "c1000001"}, {Name: "i-ffffffff", Cloud: "c1000001"}, {Name: "i-eeeeeeee"},
			{Name: "i-dddddddd", Cloud: "c2000002"}, {Name: "I-CCCCCCCC", Cloud: "c1000001"}, {Name: "mail"}, {Name: "i-1"},
		}
	})
	seen, _ := w.store.View().Seen("n1")
	strays, foreign := Strays(w.store.View(), seen)
	equal(t, "strays", strays, []string{"i-ffffffff", "i-eeeeeeee"})
	equal(t, "foreign", foreign, []string{"i-dddddddd", "I-CCCCCCCC", "mail", "i-1"})
}
