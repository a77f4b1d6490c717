// Command lab makes and removes the hosts that eucactl is tested and shown on.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/spf13/cobra"

	"eucactl/e2e/lab"
)

func main() {
	err := command().Execute()
	if err == nil {
		return
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Exit(exitCode(exit))
	}
	fmt.Fprintln(os.Stderr, "lab: error:", err)
	os.Exit(1)
}

// exitCode is the program's own, or the shell's 128+n for one that a signal ended.
func exitCode(exit *exec.ExitError) int {
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}

// place is which lab the command is about.
type place struct{ name, dir string }

func (p *place) open() (*lab.Lab, error) { return lab.Open(p.name, p.dir) }

func command() *cobra.Command {
	var p place
	root := &cobra.Command{
		Use:           "lab",
		Short:         "Real hosts on this machine, made of namespaces or with kernels of their own",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&p.name, "name", lab.DefaultName, "the lab's name; several stand side by side")
	root.PersistentFlags().StringVar(&p.dir, "dir", "", "the lab's directory (default /var/tmp/eucactl-lab/NAME)")
	root.AddCommand(upCommand(&p), downCommand(&p), execCommand(&p), hostCommand(&p), imageCommand(&p),
		daemonCommand(&p, "sshd", (*lab.Lab).StopSSHD, (*lab.Lab).StartSSHD),
		daemonCommand(&p, "libvirtd", (*lab.Lab).StopLibvirtd, (*lab.Lab).StartLibvirtd),
		taggedCommand(&p))
	return root
}
