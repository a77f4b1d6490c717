package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"eucactl/cloud"
)

func (a *app) addressCommands() []*cobra.Command {
	return []*cobra.Command{a.allocateAddress(), a.associateAddress(), a.disassociateAddress(), a.releaseAddress(), a.describeAddresses()}
}

// addressOutcome prints the address; what the user should know goes to stderr.
func (a *app) addressOutcome() outcome[cloud.AddressAnswer] {
	return outcome[cloud.AddressAnswer]{rows: func(p *printer, r cloud.AddressAnswer) {
		addressRow(p, r.Address)
		for _, n := range r.Notes {
			fmt.Fprintln(a.err, "note: "+n)
		}
	}}
}

func addressRow(p *printer, r cloud.Address) {
	p.row(r.IP.String(), "ADDRESS", r.IP.String(), string(r.Instance))
}

func (a *app) allocateAddress() *cobra.Command {
	var req cloud.AllocateAddress
	cmd := &cobra.Command{Use: "allocate-address", Short: "Reserve an elastic address", Args: cobra.NoArgs}
	c := a.changeFlags(cmd)
	cmd.Flags().StringVarP(&req.Zone, "availability-zone", "z", "", "cluster")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return do(c, cmd, "AllocateAddress", req, a.addressOutcome())
	}
	return cmd
}

func (a *app) associateAddress() *cobra.Command {
	var req cloud.AssociateAddress
	cmd := &cobra.Command{Use: "associate-address IP INSTANCE", Short: "Put an elastic address in front of an instance", Args: cobra.ExactArgs(2)}
	c := a.changeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req.IP, req.Instance = args[0], args[1]
		return do(c, cmd, "AssociateAddress", req, a.addressOutcome())
	}
	return cmd
}

func (a *app) disassociateAddress() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "disassociate-address IP",
		Short: "Take an elastic address from its instance, which gets its previous one back",
		Args:  cobra.ExactArgs(1),
	}
	c := a.changeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return do(c, cmd, "DisassociateAddress", cloud.DisassociateAddress{IP: args[0]}, a.addressOutcome())
	}
	return cmd
}

func (a *app) releaseAddress() *cobra.Command {
	cmd := &cobra.Command{Use: "release-address IP", Short: "Give an elastic address back", Args: cobra.ExactArgs(1)}
	c := a.changeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return do(c, cmd, "ReleaseAddress", cloud.ReleaseAddress{IP: args[0]}, a.addressOutcome())
	}
	return cmd
}

func (a *app) describeAddresses() *cobra.Command {
	var req cloud.DescribeAddresses
	cmd := &cobra.Command{Use: "describe-addresses [IP...]", Short: "List elastic addresses"}
	cmd.Flags().BoolVarP(&req.All, "all", "a", false, "every public address in use, also those given at launch (admin: everybody's)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req.IPs = args
		return show(a, cmd, "DescribeAddresses", req, func(p *printer, all cloud.Addresses) {
			for _, r := range all.Addresses {
				addressRow(p, r)
			}
		})
	}
	return cmd
}
