package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) inventoryCommand() *cobra.Command {
	var list bool
	var host string
	cmd := &cobra.Command{
		Use:   "inventory --list | --host HOST",
		Short: "Check the inventory and print it as ansible-inventory does",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&list, "list", false, "all groups and hosts")
	cmd.Flags().StringVar(&host, "host", "", "one host's variables")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		inv, err := a.load()
		if err != nil {
			return err
		}
		for _, n := range inv.Notes() {
			fmt.Fprintln(a.err, "note: "+n)
		}
		var text []byte
		if host != "" {
			text, err = inv.HostJSON(host)
		} else {
			text, err = inv.ListJSON()
		}
		if err == nil {
			fmt.Fprintf(a.out, "%s\n", text)
		}
		return err
	}
	return cmd
}
