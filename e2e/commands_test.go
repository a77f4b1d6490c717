package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// program lets a story call one of its programs without "exec".
func program(name string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		err := ts.Exec(name, args...)
		if err != nil && !neg {
			ts.Fatalf("%s: %v", name, err)
		}
		if err == nil && neg {
			ts.Fatalf("%s succeeded", name)
		}
	}
}

// must runs a program and returns what it prints, without the last newline.
func must(ts *testscript.TestScript, name string, args ...string) string {
	if err := ts.Exec(name, args...); err != nil {
		ts.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return strings.TrimSuffix(ts.ReadFile("stdout"), "\n")
}

func usage(ts *testscript.TestScript, wrong bool, words string) {
	if wrong {
		ts.Fatalf("usage: %s", words)
	}
}

func setup(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, "setup PERMISSION...")
	tools := ts.Getenv("TOOLS")
	must(ts, "eucactl", "hosts", "scan", "--yes")
	must(ts, "eucactl", "reconcile")
	kernel := must(ts, "eucactl", "-q", "register", "--type", "kernel", tools+"/kernel")
	ramdisk := must(ts, "eucactl", "-q", "register", "--type", "ramdisk", tools+"/ramdisk")
	machine := must(ts, "eucactl", "-q", "register", "--kernel", kernel, "--ramdisk", ramdisk, tools+"/machine.qcow2")
	ts.Setenv("EKI", kernel)
	ts.Setenv("ERI", ramdisk)
	ts.Setenv("EMI", machine)
	must(ts, "eucactl", "create-keypair", "lab", "-f", ts.Getenv("KEY"))
	public := must(ts, "ssh-keygen", "-y", "-f", ts.Getenv("KEY"))
	ts.Check(os.WriteFile(ts.Getenv("KEY")+".pub", []byte(public+"\n"), 0o644))
	for _, permission := range args {
		protocol, ports, _ := strings.Cut(permission, ":")
		words := []string{"authorize", "default", "-P", protocol}
		if ports != "" {
			words = append(words, "-p", ports)
		}
		must(ts, "eucactl", words...)
	}
}

func run(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) == 0, "run NAME[,NAME...] FLAGS...")
	names := strings.Split(args[0], ",")
	words := []string{"run-instances", ts.Getenv("EMI"), "-k", "lab", "--wait", "-n", strconv.Itoa(len(names))}
	rows := strings.Split(must(ts, "eucactl", append(words, args[1:]...)...), "\n")
	for _, row := range rows {
		f := strings.Split(row, "\t")
		if f[0] != "INSTANCE" {
			continue
		}
		if len(f) < 5 || len(names) == 0 {
			ts.Fatalf("unexpected row %q", row)
		}
		ts.Setenv(names[0], f[1])
		ts.Setenv(names[0]+"_PUBLIC", f[3])
		ts.Setenv(names[0]+"_IP", f[4])
		known := ts.MkAbs(ts.Getenv("HOME") + "/.guests") // where the program guest looks first
		ts.Check(os.MkdirAll(known, 0o755))
		ts.Check(os.WriteFile(known+"/"+f[1], []byte(f[4]), 0o644))
		names = names[1:]
	}
	if len(names) > 0 {
		ts.Fatalf("no instance for %s", strings.Join(names, ", "))
	}
}

func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "wait-for DURATION [!] CMD ARGS...")
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	args = args[1:]
	fails := args[0] == "!"
	if fails {
		args = args[1:]
	}
	usage(ts, len(args) == 0, "wait-for DURATION [!] CMD ARGS...")
	for begin := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		err := ts.Exec(args[0], args[1:]...)
		if (err != nil) == fails {
			return
		}
		if time.Since(begin) > limit {
			ts.Fatalf("after %s it is still so that %s: %v", limit, strings.Join(args, " "), err)
		}
	}
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "capture VAR CMD ARGS...")
	ts.Setenv(args[0], must(ts, args[1], args[2:]...))
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "exits CODE CMD ARGS...")
	code := "0"
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		code = strconv.Itoa(exit.ExitCode())
	} else {
		ts.Check(err)
	}
	if code != args[0] {
		ts.Fatalf("%s ended with exit code %s, not %s", strings.Join(args[1:], " "), code, args[0])
	}
}

func idle(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) > 0, "idle")
	image := filepath.Join(ts.Getenv("HOME"), ".idle.raw")
	ts.Check(os.WriteFile(image, idleImage(), 0o644))
	ts.Setenv("EMI", must(ts, "eucactl", "-q", "register", image))
}

// idleImage is a disk whose first sector halts the processor for good.
func idleImage() []byte {
	disk := make([]byte, 512)
	copy(disk, "\xfa\xf4\xeb\xfd") // cli; 1: hlt; jmp 1b
	copy(disk[510:], "\x55\xaa")   // what tells the BIOS that it boots
	return disk
}
