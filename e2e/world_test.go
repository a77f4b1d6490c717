package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"eucactl/e2e/lab"
)

// world is a cloud for a Go test: real hosts, records, the program that is tested, and an image whose guests only halt.
type world struct {
	t     *testing.T
	lab   *lab.Lab
	dir   string // records, image folder, known_hosts
	tool  string // eucactl
	image string
}

// answer is what a program said and how it ended.
type answer struct {
	out, err string
	code     int // -1: killed
}

func newWorld(t *testing.T, name string, nodes int) *world {
	t.Helper()
	return raiseWorld(t, lab.Options{Name: name, Nodes: nodes})
}

// raiseWorld has hosts of another sort.
func raiseWorld(t *testing.T, o lab.Options) *world {
	t.Helper()
	sweep(t)
	w := &world{t: t, dir: t.TempDir()}
	w.tool = filepath.Join(w.dir, "eucactl")
	command(t, "go", "build", "-o", w.tool, "../cmd/eucactl")
	o.Name = "story" + strconv.Itoa(os.Getpid()) + "-" + o.Name
	t.Cleanup(func() {
		if err := lab.Down(o.Name, ""); err != nil {
			t.Error(err)
		}
	})
	var err error
	if w.lab, err = lab.Up(o); err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(w.dir, "idle.raw")
	if err := os.WriteFile(image, idleImage(), 0o644); err != nil {
		t.Fatal(err)
	}
	w.must("hosts", "scan", "--yes")
	w.must("reconcile")
	w.image = w.must("-q", "register", image)
	return w
}

// prepare makes a run of eucactl where the controller sits.
func (w *world) prepare(ctx context.Context, env string, args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	inside := w.lab.Command(".", append([]string{w.tool}, args...)...)
	cmd := exec.CommandContext(ctx, inside.Path, inside.Args[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+w.dir, "EUCACTL_STATE="+filepath.Join(w.dir, "cloud", "state"),
		"EUCACTL_INVENTORY="+w.lab.Inventory(), "EUCACTL_CRASH="+env)
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	return cmd, &out, &words
}

// run runs eucactl to its end.
func (w *world) run(args ...string) answer { return w.crash("", 0, args...) }

// crash runs eucactl until the crash point, the time limit (none if 0), or its end.
func (w *world) crash(point string, limit time.Duration, args ...string) answer {
	w.t.Helper()
	ctx := context.Background()
	if limit > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	cmd, out, words := w.prepare(ctx, point, args...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		w.t.Fatalf("eucactl: %v", err)
	}
	return answer{out.String(), words.String(), cmd.ProcessState.ExitCode()}
}

// must runs eucactl, which has to succeed, and returns what it printed, without the last newline.
func (w *world) must(args ...string) string {
	w.t.Helper()
	a := w.run(args...)
	if a.code != 0 {
		w.t.Fatalf("eucactl %s: exit code %d\n%s%s", strings.Join(args, " "), a.code, a.out, a.err)
	}
	return strings.TrimSuffix(a.out, "\n")
}

// on runs a shell script inside a host, with $1 and so on.
func (w *world) on(host, script string, args ...string) string {
	w.t.Helper()
	cmd := w.lab.Command(host, append([]string{"/bin/sh", "-c", script, "sh"}, args...)...)
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("on %s: %v: %s\n%s", host, err, words.String(), script)
	}
	return string(out)
}

// instances are the ids of the living ones, in the order of their launch.
func (w *world) instances() (ids []string) {
	for _, line := range strings.Split(w.must("describe-instances"), "\n") {
		f := strings.Split(line, "\t")
		if f[0] == "INSTANCE" && f[5] != "terminated" {
			ids = append(ids, f[1])
		}
	}
	return ids
}

// hosts of the cloud; the outside client is none of them.
func (w *world) hosts() (names []string) {
	for _, h := range w.lab.Hosts() {
		if h.Role != lab.Client {
			names = append(names, h.Name)
		}
	}
	return names
}

// soak says whether all of a long list is to be tried, or a sample.
func soak() bool { return os.Getenv("EUCACTL_SOAK") != "" }

// dice are seeded by EUCACTL_SEED, else by EUCACTL_COMMIT, else by the clock, and say by what. A commit is tried with the
// same draws wherever all tests are run, and each with others.
func dice(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if commit := os.Getenv("EUCACTL_COMMIT"); commit != "" {
		h := fnv.New64()
		_, _ = h.Write([]byte(commit))
		seed = h.Sum64()
	}
	if text := os.Getenv("EUCACTL_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("to repeat: EUCACTL_SEED=%d", seed)
	fmt.Fprintf(os.Stderr, "%s: EUCACTL_SEED=%d\n", t.Name(), seed)
	return rand.New(rand.NewPCG(seed, 0))
}
