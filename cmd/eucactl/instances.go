package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"eucactl/cloud"
	"eucactl/controller"
)

func (a *app) instanceCommands() []*cobra.Command {
	return []*cobra.Command{a.runInstances(), a.describeInstances(), a.rebootInstances(), a.terminateInstances(), a.consoleOutput()}
}

func (a *app) runInstances() *cobra.Command {
	var req cloud.RunInstances
	var count, data, file, addressing string
	cmd := &cobra.Command{
		Use:   "run-instances EMI",
		Short: "Start instances of an image",
		Example: "  eucactl run-instances emi-1a2b3c4d -k mykey -g web -n 2 --wait\n" +
			"  eucactl run-instances emi-1a2b3c4d --check",
		Args: cobra.ExactArgs(1),
	}
	c := a.changeFlags(cmd)
	f := cmd.Flags()
	f.StringVarP(&count, "instance-count", "n", "1", "how many: N, or MIN-MAX for as many as there is room for")
	f.StringVarP(&req.Key, "key", "k", "", "key pair whose public key the guest gets")
	f.StringArrayVarP(&req.Groups, "group", "g", nil, "security group; may be repeated (default: default)")
	f.StringVarP(&req.Type, "instance-type", "t", "", "instance type (default: m1.small)")
	f.StringVarP(&req.Zone, "availability-zone", "z", "", "cluster")
	f.StringVar(&req.Kernel, "kernel", "", "kernel image instead of the image's own")
	f.StringVar(&req.Ramdisk, "ramdisk", "", "ramdisk image instead of the image's own")
	f.StringVarP(&data, "user-data", "d", "", "user data for the guest")
	f.StringVarP(&file, "user-data-file", "f", "", "file with user data for the guest")
	f.StringVar(&addressing, "addressing", "public", "public, or private: no public address")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		req.Image = args[0]
		if req.Min, req.Max, err = parseCount(count); err != nil {
			return err
		}
		if req.UserData, err = userData(data, file); err != nil {
			return err
		}
		if addressing != "public" && addressing != "private" {
			return cloud.Errorf("InvalidParameterValue", "addressing %.64q: use public or private", addressing)
		}
		req.Private = addressing == "private"
		return do(c, cmd, "RunInstances", req, outcome[cloud.Reservation]{rows: reservationRows, settled: a.until(cloud.StateUp)})
	}
	return cmd
}

// until waits for all instances of a reservation to reach a state.
func (a *app) until(state string) func(context.Context, controller.Door, cloud.Reservation) (cloud.Reservation, bool, error) {
	return func(ctx context.Context, d controller.Door, r cloud.Reservation) (cloud.Reservation, bool, error) {
		var ids []string
		for _, in := range r.Instances {
			ids = append(ids, string(in.ID))
		}
		all, done, err := a.inState(ctx, d, ids, state)
		if err != nil || len(all) == 0 {
			return r, done, err
		}
		return all[0], done, nil
	}
}

// inState looks whether all named instances are in a state; an instance that ended
// meanwhile will never be.
func (a *app) inState(ctx context.Context, d controller.Door, ids []string, state string) ([]cloud.Reservation, bool, error) {
	list, _, err := controller.Ask[cloud.Reservations](ctx, d, "DescribeInstances", controller.Caller{User: a.user}, false, cloud.DescribeInstances{IDs: ids})
	if err != nil {
		return nil, false, err
	}
	done := true
	for _, r := range list.Reservations {
		for _, in := range r.Instances {
			if in.State == cloud.StateEnded && state != cloud.StateEnded {
				return nil, false, fmt.Errorf("%s is terminated: %s", in.ID, in.Why)
			}
			// A running instance with a reason beside it is not reachable yet.
			done = done && in.State == state && (state != cloud.StateUp || in.Why == "")
		}
	}
	return list.Reservations, done, nil
}

// parseCount reads N or MIN-MAX.
func parseCount(s string) (low, high int, err error) {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	low, err1 := strconv.Atoi(first)
	high, err2 := strconv.Atoi(last)
	if err1 != nil || err2 != nil {
		return 0, 0, cloud.Errorf("InvalidParameterValue", "number of instances %.64q: use N or MIN-MAX", s)
	}
	return low, high, nil
}

func userData(text, file string) ([]byte, error) {
	if file == "" {
		return []byte(text), nil
	}
	if text != "" {
		return nil, cloud.Errorf("InvalidParameterCombination", "user data is given twice: use -d or -f")
	}
	return os.ReadFile(file)
}

func reservationRows(p *printer, r cloud.Reservation) {
	p.row("", "RESERVATION", string(r.ID), r.Owner, strings.Join(r.Groups, ", "))
	for _, in := range r.Instances {
		p.row(string(in.ID), "INSTANCE", string(in.ID), string(in.Image), in.Public.String(), in.Private.String(), in.State, in.Key,
			strconv.Itoa(in.LaunchIndex), "", in.Type, stamp(in.Launched), in.Zone, string(in.Kernel), string(in.Ramdisk), in.Host)
		if in.Why != "" {
			p.row("", "REASON", string(in.ID), in.Why)
		}
	}
}

func (a *app) describeInstances() *cobra.Command {
	var req cloud.DescribeInstances
	cmd := &cobra.Command{
		Use:     "describe-instances [INSTANCE...]",
		Short:   "List instances with their states, addresses and what they wait for",
		Aliases: []string{"instances"},
	}
	cmd.Flags().BoolVarP(&req.All, "all", "a", false, "everybody's (admin)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req.IDs = args
		return show(a, cmd, "DescribeInstances", req, func(p *printer, all cloud.Reservations) {
			for _, r := range all.Reservations {
				reservationRows(p, r)
			}
		})
	}
	return cmd
}

func (a *app) rebootInstances() *cobra.Command {
	cmd := &cobra.Command{Use: "reboot-instances INSTANCE...", Short: "Restart instances' machines", Args: cobra.MinimumNArgs(1)}
	c := a.changeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return do(c, cmd, "RebootInstances", cloud.RebootInstances{IDs: args}, outcome[cloud.Empty]{rows: func(p *printer, _ cloud.Empty) {
			for _, id := range args {
				p.row(id, "REBOOT", id)
			}
		}})
	}
	return cmd
}

func (a *app) terminateInstances() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "terminate-instances INSTANCE...",
		Short: "End instances: their machines and disks are destroyed",
		Args:  cobra.MinimumNArgs(1),
	}
	c := a.changeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return do(c, cmd, "TerminateInstances", cloud.TerminateInstances{IDs: args}, outcome[cloud.StateChanges]{
			rows: func(p *printer, all cloud.StateChanges) {
				for _, s := range all.Changes {
					p.row(string(s.ID), "INSTANCE", string(s.ID), s.Was, s.Is)
				}
			},
			settled: a.untilEnded,
		})
	}
	return cmd
}

func (a *app) untilEnded(ctx context.Context, d controller.Door, was cloud.StateChanges) (cloud.StateChanges, bool, error) {
	var ids []string
	for i := range was.Changes {
		ids = append(ids, string(was.Changes[i].ID))
	}
	_, done, err := a.inState(ctx, d, ids, cloud.StateEnded)
	if done {
		for i := range was.Changes {
			was.Changes[i].Is = cloud.StateEnded
		}
	}
	return was, done, err
}

func (a *app) consoleOutput() *cobra.Command {
	return &cobra.Command{
		Use:   "get-console-output INSTANCE",
		Short: "Print the end of an instance's console, at most 64 KiB",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(d controller.Door) error {
				out, err := d.Console(cmd.Context(), controller.Caller{User: a.user}, cloud.GetConsoleOutput{ID: args[0]})
				if err != nil {
					return err
				}
				return a.print(out, func(*printer) {
					fmt.Fprintf(a.out, "%s\n%s\n%s\n", out.ID, stamp(out.At), harmless(string(out.Text)))
				})
			})
		},
	}
}
