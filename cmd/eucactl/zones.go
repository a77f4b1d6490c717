package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"eucactl/cloud"
)

func (a *app) zoneCommands() []*cobra.Command {
	return []*cobra.Command{a.describeZones(), a.describeTypes(), a.modifyType()}
}

func (a *app) describeZones() *cobra.Command {
	var verbose bool
	cmd := &cobra.Command{
		Use:   "describe-availability-zones [ZONE...]",
		Short: "List clusters; `verbose` or -v: with the room left for each instance type",
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "with room for each instance type")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 && args[0] == "verbose" { // as euca2ools has it
			verbose, args = true, args[1:]
		}
		return show(a, cmd, "DescribeAvailabilityZones", cloud.DescribeZones{Names: args}, func(p *printer, all cloud.Zones) {
			for _, z := range all.Zones {
				zoneRows(p, z, verbose)
			}
		})
	}
	return cmd
}

func zoneRows(p *printer, z cloud.Zone, verbose bool) {
	p.row(z.Name, "AVAILABILITYZONE", z.Name, z.State, z.Frontend, fmt.Sprintf("%d of %d nodes report", z.Reporting, z.Nodes),
		fmt.Sprintf("%d of %d groups active (of %d slices those of VLAN %d to %d), %d instances each",
			z.Networks.Used, z.Networks.Max, z.Networks.Slices, z.Networks.First, z.Networks.First+z.Networks.Max-1, z.Networks.Instances))
	if !verbose {
		return
	}
	p.row("", "AVAILABILITYZONE", "|- vm types", "free / max", "cpu", "ram", "disk")
	for _, t := range z.Types {
		p.row("", "AVAILABILITYZONE", "|- "+t.Type.Name, fmt.Sprintf("%04d / %04d", t.Free, t.Max),
			fmt.Sprint(t.Type.Cores), fmt.Sprint(t.Type.Memory), fmt.Sprint(t.Type.Disk))
	}
}

func typeRows(p *printer, all cloud.Types) {
	for _, t := range all.Types {
		p.row(t.Name, "INSTANCETYPE", t.Name, fmt.Sprint(t.Cores), fmt.Sprint(t.Memory), fmt.Sprint(t.Disk))
	}
}

func (a *app) describeTypes() *cobra.Command {
	return &cobra.Command{
		Use:   "describe-instance-types",
		Short: "List instance types: cores, memory in MiB, disk in GiB",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(a, cmd, "DescribeInstanceTypes", cloud.DescribeTypes{}, typeRows)
		},
	}
}

func (a *app) modifyType() *cobra.Command {
	var req cloud.ModifyType
	cmd := &cobra.Command{Use: "modify-instance-type NAME", Short: "Change an instance type for instances to come", Args: cobra.ExactArgs(1)}
	c := a.changeFlags(cmd)
	f := cmd.Flags()
	f.IntVar(&req.Cores, "cpus", 0, "cores")
	f.IntVar(&req.Memory, "memory", 0, "memory in MiB")
	f.IntVar(&req.Disk, "disk", 0, "disk in GiB")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req.Name = args[0]
		return do(c, cmd, "ModifyInstanceType", req, outcome[cloud.Types]{rows: typeRows})
	}
	return cmd
}
