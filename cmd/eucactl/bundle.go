package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"eucactl/controller"
)

// exitUnreachable: a host did not answer.
const exitUnreachable = 4

func (a *app) bundleCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "support-bundle [PATTERN]",
		Short: "Gather what somebody who helps needs to see, in one file without secrets",
		Long: "Gather what somebody who helps needs to see, in one tar.gz: of each host its interfaces, bridges, routes,\n" +
			"firewall, leases, machines, our marks and last log lines; of the controller its records, journal and inventory.\n" +
			"User data, keys and variables that sound like secrets are left out. Nothing is changed.\n\n" +
			"Exit codes: 0 done, 1 error, 4 done, but a host was unreachable (the bundle says which, and why).",
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "the file to write (default: eucactl-support-TIME.tar.gz here)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if file == "" {
			file = "eucactl-support-" + time.Now().UTC().Format("20060102-150405") + ".tar.gz"
		}
		return a.with(cmd.Context(), func(d controller.Door) error { return a.bundle(cmd, d, file, patternOf(args)) })
	}
	return cmd
}

// bundle writes the file, which is there only when it is whole.
func (a *app) bundle(cmd *cobra.Command, d controller.Door, file, pattern string) (err error) {
	part := file + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	out, err := d.Bundle(cmd.Context(), controller.Bundle{Pattern: pattern, Version: version()}, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	if err := os.Rename(part, file); err != nil {
		return err
	}
	if len(out.Unreachable) > 0 {
		a.code = exitUnreachable
	}
	value := struct {
		File string `json:"file"`
		controller.Bundled
	}{file, out}
	return a.print(value, func(p *printer) {
		for _, h := range out.Hosts {
			p.row("", "HOST", h, "answered")
		}
		for _, h := range slices.Sorted(maps.Keys(out.Unreachable)) {
			p.row("", "HOST", h, "unreachable", out.Unreachable[h])
		}
		p.row(file, "BUNDLE", file)
		if !a.quiet && a.format == "" {
			fmt.Fprintln(a.err, "addresses and host names are in it: look before you publish it")
		}
	})
}
