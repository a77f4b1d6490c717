package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"eucactl/controller"
)

func (a *app) playbookCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "playbook", Short: "The playbooks that hosts are settled by"}
	cmd.AddCommand(&cobra.Command{
		Use:   "eject DIR",
		Short: "Copy the built-in playbooks and templates into DIR, to be edited and used with --playbooks DIR",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := controller.EjectSite(args[0]); err != nil {
				return err
			}
			fmt.Fprintf(a.err, "written to %s; use them with: eucactl --playbooks %s reconcile --check --diff\n"+
				"set EUCACTL_PLAYBOOKS for all commands and cron, or the next one without it puts the built-in ones back\n", args[0], args[0])
			return nil
		},
	})
	return cmd
}
