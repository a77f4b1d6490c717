package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"eucactl/controller"
)

func (a *app) reconcileCommand() *cobra.Command {
	var req controller.Reconcile
	cmd := &cobra.Command{
		Use:   "reconcile [PATTERN]",
		Short: "Bring hosts to what the records say; for cron and CI",
		Long: "Bring hosts to what the records say, one line a host.\n\n" +
			"Exit codes: 0 converged or changed, 1 error, 2 a host failed, 3 with --check: drift,\n" +
			"4 a host was unreachable, 5 a host, or the records, are busy or fenced.",
		Args: cobra.MaximumNArgs(1),
	}
	f := cmd.Flags()
	f.BoolVarP(&req.Check, "check", "C", false, "change nothing; show what would change")
	f.BoolVarP(&req.Diff, "diff", "D", false, "show differences of files")
	f.StringVarP(&req.Limit, "limit", "l", "", "further pattern: only hosts that match it too")
	f.IntVarP(&req.Forks, "forks", "f", 50, "hosts at once")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req.Pattern = patternOf(args)
		if req.Forks < 1 {
			return fmt.Errorf("--forks %d: at least 1", req.Forks)
		}
		return a.with(cmd.Context(), func(d controller.Door) error {
			progress := func(r controller.HostReport) { hostLine(a.out, r) }
			if a.format != "" || a.quiet {
				progress = nil
			}
			all, err := d.Reconcile(cmd.Context(), req, progress)
			if err != nil {
				return err
			}
			a.code = all.ExitCode()
			if a.format == "" {
				if a.code != 0 && a.quiet {
					fmt.Fprintf(a.err, "reconcile: exit %d\n", a.code)
				}
				return nil
			}
			return a.print(all, nil)
		})
	}
	return cmd
}
