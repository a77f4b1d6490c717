package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// strict makes every command say how it is used when it is used wrongly, and every
// family of commands refuse a word that it does not have.
func strict(cmd *cobra.Command) {
	if cmd.HasSubCommands() && cmd.HasParent() && cmd.RunE == nil {
		cmd.Args, cmd.RunE = cobra.NoArgs, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return usage(cmd, check(cmd, args)) }
	}
	cmd.SetFlagErrorFunc(usage)
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
}

func usage(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; usage: %s; see %s --help", err, cmd.UseLine(), cmd.CommandPath())
}
