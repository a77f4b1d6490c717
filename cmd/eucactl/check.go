package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"eucactl/controller"
)

func (a *app) checkCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "check", Short: "Look for what would keep the cloud from working, before it does"}
	cmd.AddCommand(a.checkHosts(), a.checkNetwork())
	return cmd
}

// exitCodes are those of both checks.
const exitCodes = "Exit codes: 0 nothing that is an error, 1 errors found, 4 a host was unreachable."

func (a *app) checkHosts() *cobra.Command {
	return &cobra.Command{
		Use:   "hosts [PATTERN]",
		Short: "Check tools, kernels, interfaces, firewalls, clocks and DHCP servers of hosts; nothing is changed",
		Long: "Check tools, kernel modules, interfaces, bridges, firewalls, clocks, DHCP servers and libvirt of hosts, in\n" +
			"one round trip each. Nothing is changed. Each finding is a sentence with what shows it and what to do.\n\n" + exitCodes,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.preflight(cmd, controller.Preflight{Pattern: patternOf(args)})
		},
	}
}

func (a *app) checkNetwork() *cobra.Command {
	var req controller.NetworkCheck
	cmd := &cobra.Command{
		Use:   "network [PATTERN]",
		Short: "Try whether tagged frames and public addresses reach where they must",
		Long: "Try whether frames pass between frontends and nodes, and public addresses from outside.\n\n" +
			"In MANAGED a VLAN interface with a test address is made on every host, each pings the others with small and\n" +
			"full frames, and it is removed again, also when this is interrupted. In the other modes the hosts' own addresses\n" +
			"on the guests' segment are pinged. A free public address is put on the frontend and pinged from here, or from\n" +
			"the host named with --from, and removed. What exists on hosts is never touched.\n\n" + exitCodes,
		Args: cobra.MaximumNArgs(1),
	}
	f := cmd.Flags()
	f.BoolVarP(&req.Check, "check", "C", false, "make and send nothing; show what would be made")
	f.IntVar(&req.VLAN, "vlan", 0, "the VLAN to try with (default: the highest below 4094 that nobody has)")
	f.StringVar(&req.From, "from", "", "host of the inventory that pings the public address (default: here)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("vlan") && (req.VLAN < 1 || req.VLAN > 4094) {
			return fmt.Errorf("--vlan %d: VLANs go from 1 to 4094", req.VLAN)
		}
		return a.preflight(cmd, controller.Preflight{Pattern: patternOf(args), Network: &req})
	}
	return cmd
}

// preflight checks and prints: a line for each finding, and one for all.
func (a *app) preflight(cmd *cobra.Command, req controller.Preflight) error {
	return a.with(cmd.Context(), func(d controller.Door) error {
		out, err := d.Preflight(cmd.Context(), req)
		if err != nil {
			return err
		}
		a.code = out.ExitCode()
		return a.print(out, func(p *printer) {
			for _, line := range out.Would {
				p.row("", "would: "+line)
			}
			for _, line := range out.Done {
				p.row("", "ok: "+line)
			}
			for _, f := range out.Findings {
				p.row(f.Host, f.String())
			}
			p.row("", out.Summary())
		})
	})
}
