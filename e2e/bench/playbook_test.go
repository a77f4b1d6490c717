package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"eucactl/e2e/lab"
)

// Of the benchmark of a playbook.
const (
	playHosts = 20
	playTurns = 3
)

// crew is a lab of plain hosts on which playbooks are run.
type crew struct {
	*lab.Lab
	eucactl string
	dir     string
	env     []string
}

func newCrew(b *testing.B) *crew {
	b.Helper()
	name := fmt.Sprintf("bench-%d-plays", os.Getpid())
	b.Cleanup(func() {
		if err := lab.Down(name, ""); err != nil {
			b.Error(err)
		}
	})
	var hosts []string
	for i := range playHosts {
		hosts = append(hosts, fmt.Sprintf("p%02d", i+1))
	}
	l, err := lab.Up(lab.Options{Name: name, Hosts: hosts})
	if err != nil {
		b.Fatal(err)
	}
	dir := folder(b)
	c := &crew{Lab: l, dir: dir, eucactl: filepath.Join(dir, "eucactl")}
	if out, err := exec.Command("go", "build", "-o", c.eucactl, "../../cmd/eucactl").CombinedOutput(); err != nil {
		b.Fatalf("build eucactl: %v\n%s", err, out)
	}
	c.env = append(os.Environ(), "HOME="+dir, "EUCACTL_STATE="+dir+"/cloud/state", "ANSIBLE_PIPELINING=1", "ANSIBLE_HOST_KEY_CHECKING=0",
		"ANSIBLE_FORKS=20", "ANSIBLE_NOCOLOR=1", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3",
		"ANSIBLE_SSH_ARGS=-o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=/dev/null")
	c.run(b, nil, c.eucactl, "-i", c.Inventory(), "hosts", "scan", "--yes")
	return c
}

// run runs a program where the controller sits.
func (c *crew) run(b *testing.B, env []string, argv ...string) string {
	b.Helper()
	cmd := c.Command(".", argv...)
	cmd.Env = append(append([]string{}, c.env...), env...)
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%s: %v\n%s%s", strings.Join(argv, " "), err, out, &words)
	}
	return string(out)
}

// clean makes the hosts what they were.
func (c *crew) clean(b *testing.B) {
	b.Helper()
	for _, h := range c.Hosts() {
		if out, err := c.Command(h.Name, "/bin/rm", "-rf", "/srv/bench").CombinedOutput(); err != nil {
			b.Fatalf("%s: %v\n%s", h.Name, err, out)
		}
	}
}

// noopLook is what somebody would write who wants to see whether the twelve tasks are done.
const noopLook = `cd /srv/bench && sha256sum hello conf.d/app.conf secret ports lines && stat -c %a,%U,%G . conf.d hello conf.d/app.conf secret ports lines
readlink current; grep -q '^workers=4$' lines; grep -q '^name=' lines; [ -e done ] && [ ! -e old ]`

// byHand is the floor: one connection and one hand-written script a host, all at once.
func (c *crew) byHand(b *testing.B) {
	config := login(b, c.Key())
	var group errgroup.Group
	for _, h := range c.Hosts() {
		group.Go(func() error {
			conn, err := c.Dial(context.Background(), "tcp", h.Addr().String()+":22")
			if err != nil {
				return err
			}
			return run(conn, config, noopLook)
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// mitogen is where Debian's package has its strategy, if it is installed.
func mitogen() string {
	found, err := filepath.Glob("/usr/lib/python3/dist-packages/ansible_mitogen/plugins/strategy")
	if err != nil || len(found) == 0 {
		return ""
	}
	return found[0]
}

// BenchmarkPlaybook runs twelve tasks on 20 hosts: first on clean ones, then where nothing is to be done, with
// ansible-playbook (pipelining, 20 forks, persistent connections), with Mitogen's strategy where it is installed,
// and by hand.
func BenchmarkPlaybook(b *testing.B) {
	c := newCrew(b)
	book, err := filepath.Abs("playbook/site.yml")
	if err != nil {
		b.Fatal(err)
	}
	ours := func() { c.run(b, nil, c.eucactl, "playbook", book, "-i", c.Inventory(), "-f", "20") }
	ansible := func() { c.run(b, nil, "ansible-playbook", book, "-i", c.Inventory()) }
	for range b.N {
		var first, firstTheirs, noop, noopTheirs, floor []time.Duration
		for range playTurns {
			c.clean(b)
			first = append(first, took(ours))
			c.clean(b)
			firstTheirs = append(firstTheirs, took(ansible))
			noopTheirs = append(noopTheirs, took(ansible))
			noop = append(noop, took(ours))
			floor = append(floor, took(func() { c.byHand(b) }))
		}
		figures.faster("playbook of 12 tasks on 20 hosts, first run / Ansible", first, firstTheirs)
		figures.faster("  nothing to do / Ansible", noop, noopTheirs)
		figures.times("  nothing to do / 20 hand-written sessions", noop, floor)
		if strategy := mitogen(); strategy != "" {
			env := []string{"ANSIBLE_STRATEGY_PLUGINS=" + strategy, "ANSIBLE_STRATEGY=mitogen_linear"}
			var theirs, again []time.Duration
			for range playTurns {
				theirs = append(theirs, took(func() { c.run(b, env, "ansible-playbook", book, "-i", c.Inventory()) }))
				again = append(again, took(ours))
			}
			figures.faster("  nothing to do / Mitogen", again, theirs)
		}
	}
}
