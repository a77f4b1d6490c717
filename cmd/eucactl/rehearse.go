package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"eucactl/controller"
	"eucactl/sim"
)

// lent is a door that stays open when its user is done.
type lent struct{ controller.Door }

func (lent) Close() error { return nil }

// real are the commands that work on more than records and hosts.
var real = []string{
	"eucactl sim", "eucactl hosts scan", "eucactl playbook eject", "eucactl inventory import", "eucactl create-keypair", "eucactl get-console-output",
	"eucactl check hosts", "eucactl check network", "eucactl support-bundle", "eucactl why", "eucactl serve",
}

// rehearsable refuses what a copy of the records cannot answer for.
func (a *app) rehearsable(cmd *cobra.Command) error {
	if a.rehearsal == nil {
		return nil
	}
	if slices.Contains(real, cmd.CommandPath()) {
		return fmt.Errorf("%s cannot be rehearsed: it works on more than a copy of the records", cmd.CommandPath())
	}
	for _, flag := range []string{"state", "inventory", "playbooks"} {
		if cmd.Flags().Changed(flag) {
			return fmt.Errorf("--%s holds for the whole rehearsal: it comes before the first --", flag)
		}
	}
	return nil
}

// rehearse plays commands, which are separated by "--", on a copy of the records.
func (a *app) rehearse(ctx context.Context, args []string) (err error) {
	dump, err := a.openDump()
	if err != nil {
		return err
	}
	defer dump.Close()
	inv, err := a.load()
	if err != nil {
		return err
	}
	site, err := controller.OpenSite(a.playbooksDir)
	if err != nil {
		return err
	}
	door, err := sim.Rehearse(ctx, dump, inv, site, newID)
	if err != nil {
		return fmt.Errorf("%s: %w", dump.Name(), err)
	}
	defer func() { err = errors.Join(err, door.Close()) }()
	a.aside = true
	list := slices.Collect(commands(args))
	for i, command := range list {
		fmt.Fprintf(a.err, "$ eucactl %s\n", strings.Join(command, " "))
		other := &app{in: a.in, out: a.out, err: a.err, environ: a.environ, rehearsal: door, inventoryFile: inv.File(), aside: true}
		if a.code = other.execute(ctx, append(a.passedOn(), command...)); a.code == 0 {
			continue
		}
		if left := len(list) - i - 1; left > 0 {
			fmt.Fprintf(a.err, "it ends here: %d more not rehearsed\n", left)
		}
		break
	}
	fmt.Fprintln(a.err, "rehearsed on a copy of the records and models of the hosts: nothing was recorded, no host was contacted")
	return nil
}

// passedOn are the flags in front of "--" that hold for each command.
func (a *app) passedOn() []string {
	args := []string{"--as", a.user}
	if a.format != "" {
		args = append(args, "-o", a.format)
	}
	if a.quiet {
		args = append(args, "-q")
	}
	return args
}

func (a *app) openDump() (*os.File, error) {
	const how = "make one with: eucactl state export >DUMP"
	if a.stateDir == "" {
		return nil, fmt.Errorf("a rehearsal takes a copy of the records, --state DUMP: %s", how)
	}
	if st, err := os.Stat(a.stateDir); err == nil && st.IsDir() {
		return nil, fmt.Errorf("%s is a folder; a rehearsal takes a copy of the records in one file: %s", a.stateDir, how)
	}
	return os.Open(a.stateDir)
}

// commands splits at "--".
func commands(args []string) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		for len(args) > 0 {
			i := slices.Index(args, "--")
			if i < 0 {
				i = len(args)
			}
			if i > 0 && !yield(args[:i]) {
				return
			}
			args = args[min(i+1, len(args)):]
		}
	}
}
