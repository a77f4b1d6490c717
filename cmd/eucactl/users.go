package main

import (
	"github.com/spf13/cobra"

	"eucactl/cloud"
)

func (a *app) userCommands() []*cobra.Command {
	create := &cobra.Command{Use: "create-user NAME", Short: "Make a user, with a group default", Args: cobra.ExactArgs(1)}
	c := a.changeFlags(create)
	create.RunE = func(cmd *cobra.Command, args []string) error {
		return do(c, cmd, "CreateUser", cloud.CreateUser{Name: args[0]}, outcome[cloud.User]{rows: userRow})
	}
	describe := &cobra.Command{
		Use:   "describe-users",
		Short: "List users",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(a, cmd, "DescribeUsers", cloud.DescribeUsers{}, func(p *printer, all cloud.Users) {
				for _, u := range all.Users {
					userRow(p, u)
				}
			})
		},
	}
	return []*cobra.Command{create, describe}
}

func userRow(p *printer, u cloud.User) { p.row(u.Name, "USER", u.Name, stamp(u.Created)) }
