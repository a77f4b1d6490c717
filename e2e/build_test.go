package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"eucactl/e2e/lab"
)

// build makes eucactl, lab and probe, and the guest's image with probe inside, in a folder that is gone with the test.
func build(t *testing.T) (tools string) {
	t.Helper()
	// Not below /tmp, of which every lab host has one of its own.
	tools, err := os.MkdirTemp("/var/tmp", fmt.Sprintf("eucactl-tools%d-", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(tools); err != nil {
			t.Error(err)
		}
	})
	command(t, "go", "build", "-o", tools+"/eucactl", "../cmd/eucactl")
	command(t, "go", "build", "-o", tools+"/lab", "./lab/cmd/lab")
	t.Setenv("CGO_ENABLED", "0") // probe runs in guests, which have no C library
	command(t, "go", "build", "-ldflags", "-s -w", "-o", tools+"/probe", "./probe")
	buildImage(t, tools)
	return tools
}

// buildImage puts probe into the lab's machine image.
func buildImage(t *testing.T, tools string) {
	t.Helper()
	name := "stories" + strconv.Itoa(os.Getpid())
	image, err := lab.BuildImage(name, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := lab.Down(name, ""); err != nil {
			t.Error(err)
		}
	}()
	for from, to := range map[string]string{image.Kernel: "kernel", image.Ramdisk: "ramdisk", image.Machine: "machine.raw"} {
		command(t, "cp", "--sparse=always", from, filepath.Join(tools, to))
	}
	raw := filepath.Join(tools, "machine.raw")
	command(t, "chmod", "u+w", raw)
	edit := exec.Command("debugfs", "-w", "-f", "-", raw)
	edit.Stdin = strings.NewReader("write " + tools + "/probe /bin/probe\nset_inode_field /bin/probe mode 0100755\n")
	if out, err := edit.CombinedOutput(); err != nil {
		t.Fatalf("debugfs: %v: %s", err, out)
	}
	command(t, "qemu-img", "convert", "-O", "qcow2", raw, filepath.Join(tools, "machine.qcow2"))
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
