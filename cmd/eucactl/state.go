package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"eucactl/controller"
)

func (a *app) stateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "state", Short: "The cloud's records"}
	export := &cobra.Command{
		Use:   "export",
		Short: "Print all records but secrets, one JSON object a line",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(d controller.Door) error { return d.Export(cmd.Context(), a.out) })
		},
	}
	cmd.AddCommand(export, a.stateLog())
	return cmd
}

func (a *app) stateLog() *cobra.Command {
	var from, to uint64
	cmd := &cobra.Command{Use: "log", Short: "List who changed which records, when, and by which verb", Args: cobra.NoArgs}
	cmd.Flags().Uint64Var(&from, "from", 0, "first revision")
	cmd.Flags().Uint64Var(&to, "to", 0, "last revision (0: the present one)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.with(cmd.Context(), func(d controller.Door) error {
			list, err := d.Log(cmd.Context(), from, to)
			if err != nil {
				return err
			}
			return a.print(list, func(p *printer) {
				for _, e := range list {
					p.row(fmt.Sprint(e.Rev), "REVISION", fmt.Sprint(e.Rev), stamp(e.Time), e.Actor, e.Verb)
					for _, d := range e.Deltas {
						p.row("", "DELTA", fmt.Sprint(e.Rev), deltaSign(d.Before != nil, d.After != nil), d.Table, d.Key)
					}
				}
			})
		})
	}
	return cmd
}

func deltaSign(before, after bool) string {
	switch {
	case !before:
		return "+"
	case !after:
		return "-"
	}
	return "~"
}
