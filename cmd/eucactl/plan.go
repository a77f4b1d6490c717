package main

import (
	"github.com/spf13/cobra"

	"eucactl/controller"
)

func (a *app) planCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "plan HOST",
		Short: "Print what a host should be, as playbooks see it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(d controller.Door) error {
				p, err := d.Plan(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if a.format == "" {
					return a.yaml(p)
				}
				return a.print(p, nil)
			})
		},
	}
}
