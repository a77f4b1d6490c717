package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"eucactl/sim/host"
)

// A Step is one event of a history. Its numbers choose among what there is at that
// moment, modulo how much there is, so a step means something in whatever history it
// is left in: that lets a failing one be shortened.
type Step struct {
	Op       string    `json:"op"`
	N        [5]int    `json:"n"`
	Troubles []Trouble `json:"troubles,omitempty"`
	Crash    *Crash    `json:"crash,omitempty"`
	Burst    []Step    `json:"burst,omitempty"` // verbs, asked before any host is told
}

// A Trouble befalls one visit of a host during a step.
type Trouble struct {
	Host   int         `json:"host"`
	Visit  int         `json:"visit"` // how many visits go well before
	Faults host.Faults `json:"faults"`
	Silent bool        `json:"silent,omitempty"` // and it answers nobody until it is up again
	// During is asked while the host is slow: its program is of the moment before. With
	// Answer, the host has done all, and it is its answer that is not heard before.
	During *Step `json:"during,omitempty"`
	Answer bool  `json:"answer,omitempty"`
}

// A Crash kills the controller during a step, and cuts its power: what was not synced
// is lost in part.
type Crash struct {
	Point string `json:"point"` // before or after a commit, or at a report line
	N     int    `json:"n"`     // which of the step's, from 1
	Kept  int    `json:"kept"`  // percent of unsynced data
}

// weights say how often each op comes.
var weights = []struct {
	op     string
	weight int
}{
	{"run", 16}, {"terminate", 12}, {"reboot", 3},
	{"authorize", 7}, {"revoke", 4}, {"create-group", 3}, {"delete-group", 2},
	{"allocate", 3}, {"associate", 5}, {"disassociate", 2}, {"release", 2},
	{"reconcile", 10}, {"together", 5}, {"poll", 10}, {"check", 3}, {"time", 3}, {"talk", 6}, {"burst", 8},
	{"power-off", 3}, {"guest-crash", 4}, {"host-reboot", 4}, {"host-down", 2}, {"host-up", 3},
	{"declare-dead", 4}, {"dead-back", 1}, {"take-over", 1}, {"wreck", 4}, {"deliver", 3},
	{"power-cut", 3}, {"inventory", 2}, {"playbooks", 2}, {"backup", 1}, {"restored", 1}, {"empty", 1},
}

// asking are the ops that a user's verb stands behind: they may come while a host is
// slow.
var asking = []string{"run", "terminate", "terminate", "terminate", "reboot", "authorize", "revoke", "associate", "disassociate", "release"}

// bursting are those that come together: what opens and what joins meet there.
var bursting = []string{"run", "run", "revoke", "revoke", "authorize", "terminate", "associate", "disassociate"}

// History makes the steps of a seed.
func History(seed uint64) []Step {
	r := rand.New(rand.NewPCG(seed, 0x65756361))
	steps := make([]Step, 4+r.IntN(14))
	lost := lostOrder(r, len(steps))
	for i := range steps {
		if steps[i] = draw(r, weighted(r)); lost[i] != nil {
			steps[i] = *lost[i]
			continue
		}
		switch steps[i].Op {
		case "burst":
			steps[i].Burst = verbs(r, 2+r.IntN(3))
		case "together":
			steps[i].Troubles = append(steps[i].Troubles, second(r, 1+r.IntN(3)))
		case "poll":
			if r.IntN(3) == 0 {
				steps[i].Troubles = append(steps[i].Troubles, second(r, r.IntN(8)))
			}
		}
		for r.IntN(3) == 0 {
			steps[i].Troubles = append(steps[i].Troubles, trouble(r))
		}
		if r.IntN(12) == 0 {
			steps[i].Crash = &Crash{Point: pick(r, "before", "after", "line"), N: 1 + r.IntN(6), Kept: pick(r, 0, 50, 100)}
			if steps[i].Crash.Point == "line" {
				steps[i].Crash.N = 1 + r.IntN(60)
			}
		}
	}
	if seed%8 == 5 {
		lingering(seed, steps)
	}
	return steps
}

// lingering lets the nodes of a history keep the VLANs of those that ended: the
// machines go, the frontend leaves the VLAN, and the nodes cannot, twice.
func lingering(seed uint64, steps []Step) {
	r := rand.New(rand.NewPCG(seed, 3))
	for i := range steps {
		if steps[i].Op != "terminate" {
			continue
		}
		steps[i].N[4] = 1 // hosts are told
		for node := 1; node <= 3; node++ {
			stays := host.Faults{Fail: []string{"vlan"}}
			steps[i].Troubles = append(steps[i].Troubles, Trouble{Host: node, Faults: stays},
				Trouble{Host: node, Faults: pick(r, stays, host.Faults{Refuse: true})})
		}
	}
}

// verbs are some that come together.
func verbs(r *rand.Rand, n int) (list []Step) {
	for range n {
		list = append(list, draw(r, pick(r, bursting...)))
	}
	return list
}

// second is another run of eucactl that comes while a host is slow.
func second(r *rand.Rand, on int) Trouble {
	s := draw(r, "reconcile")
	s.Burst = verbs(r, r.IntN(3))
	return Trouble{Host: on, During: &s, Answer: r.IntN(2) == 0}
}

// lostOrder is, in one history of four, what a look at a host could be wrong about:
// the order to start a machine lies in wait, its end is recorded and cannot be told,
// somebody looks, and then the order arrives.
func lostOrder(r *rand.Rand, n int) map[int]*Step {
	steps := map[int]*Step{}
	if r.IntN(4) > 0 {
		return steps
	}
	at := r.IntN(n - 3)
	for i, op := range []string{"run", "terminate", "poll", "deliver"} {
		s := draw(r, op)
		s.N[0], s.N[4] = 1, 1 // the same user, all hosts; and hosts are told
		for node := 1; node <= 3 && i < 2; node++ {
			s.Troubles = append(s.Troubles, Trouble{Host: node, Faults: host.Faults{Late: i == 0, Refuse: i == 1}})
		}
		steps[at+i] = &s
	}
	return steps
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func weighted(r *rand.Rand) string {
	sum := 0
	for _, w := range weights {
		sum += w.weight
	}
	n := r.IntN(sum)
	for _, w := range weights {
		if n -= w.weight; n < 0 {
			return w.op
		}
	}
	panic("unreachable")
}

func draw(r *rand.Rand, op string) Step {
	s := Step{Op: op}
	for i := range s.N {
		s.N[i] = r.IntN(1 << 12)
	}
	return s
}

// tools are what may not work on a host, and kinds what may fail.
var (
	tools = []string{"virsh", "iptables", "iptables-save", "iptables-restore", "ipset", "conntrack", "dhcpd", "ip", "qemu-img", "nft"}
	kinds = []string{"kernel_setting", "ipsets_shrink", "chains", "address", "ipsets_grow", "address_gone", "flows", "dhcpd", "dhcpd_gone",
		"ipsets_gone", "domain_gone", "domain_gone", "vlan", "vlan", "antispoof", "bridge", "preload", "image", "machine_dir", "disk", "seed", "domain", "domain", "domain"}
)

func trouble(r *rand.Rand) Trouble {
	t := Trouble{Host: r.IntN(8), Visit: pick(r, 0, 0, 0, 1, 2)}
	f := &t.Faults
	switch r.IntN(12) {
	case 0:
		f.Refuse = true
	case 1:
		f.Late = true
	case 2:
		f.Lose = 1 + r.IntN(40)
	case 3:
		f.Deaf = 1 + r.IntN(40)
		t.Silent = r.IntN(2) == 0
	case 4, 5:
		f.Kill = 1 + r.IntN(16)
	case 6:
		f.Busy = true
	case 7:
		f.Dead = []string{pick(r, tools...)}
	case 8:
		f.Fail = []string{pick(r, kinds...)}
	case 9:
		f.Full = true
	case 10:
		f.Stuck = true
	default:
		s := draw(r, pick(r, asking...))
		t.During, t.Answer = &s, r.IntN(2) == 0
	}
	return t
}

func (t Trouble) String() string {
	if t.Silent {
		return t.befalls() + ", and is silent from then on"
	}
	return t.befalls()
}

func (t Trouble) befalls() string {
	f := t.Faults
	switch {
	case t.During != nil && t.Answer:
		return "is slow to answer"
	case t.During != nil:
		return "is slow"
	case f.Refuse:
		return "does not answer"
	case f.Late:
		return "is cut off, its program lies in wait"
	case f.Lose > 0:
		return fmt.Sprintf("is cut off before line %d of its reply, and stops", f.Lose)
	case f.Deaf > 0:
		return fmt.Sprintf("is cut off before line %d of its reply, and goes on", f.Deaf)
	case f.Kill > 0:
		return fmt.Sprintf("has its program killed before command %d", f.Kill)
	case f.Busy:
		return "is busy with another run"
	case len(f.Dead) > 0:
		return "has no working " + strings.Join(f.Dead, " ")
	case len(f.Fail) > 0:
		return "fails at " + strings.Join(f.Fail, " ")
	case f.Full:
		return "has a full disk"
	case f.Stuck:
		return "cannot remove a machine's folder"
	}
	return "is well"
}
