package main

import (
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"eucactl/e2e/lab"
)

func upCommand(p *place) *cobra.Command {
	var o lab.Options
	c := &cobra.Command{
		Use:   "up",
		Short: "Make the lab, or complete it",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			begin := time.Now()
			o.Name, o.Dir = p.name, p.dir
			l, err := lab.Up(o)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "lab %s is up after %.1f s: %d hosts\n", l.Name, time.Since(begin).Seconds(), len(l.Hosts()))
			_, err = fmt.Fprintln(c.OutOrStdout(), l.Dir)
			return err
		},
	}
	c.Flags().IntVar(&o.Nodes, "nodes", 0, "node controllers, with a frontend and an outside client (default 2, or none with --hosts)")
	c.Flags().StringVar((*string)(&o.Kernel), "kernel", "", "shared (the machine's, default) or own (VLANs; slower)")
	c.Flags().StringVar((*string)(&o.Mode), "mode", "", "the inventory's network mode: SYSTEM, STATIC, MANAGED or MANAGED-NOVLAN (default)")
	c.Flags().StringSliceVar(&o.Hosts, "hosts", nil, "plain hosts, with sshd alone")
	return c
}

func downCommand(p *place) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Remove the lab, also a half-made one",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return lab.Down(p.name, p.dir) },
	}
}

func execCommand(p *place) *cobra.Command {
	c := &cobra.Command{
		Use:   "exec HOST|. [--] CMD...",
		Short: "Run a program inside a host, or (.) where the controller sits",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			l, err := p.open()
			if err != nil {
				return err
			}
			if args[0] != "." {
				if _, err := l.Host(args[0]); err != nil {
					return err
				}
			}
			host, program := args[0], args[1:]
			if program[0] == "--" && len(program) > 1 {
				program = program[1:]
			}
			cmd := l.Command(host, program...)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
			return cmd.Run()
		},
	}
	// What follows the host's name belongs to the program, flags too.
	c.Flags().SetInterspersed(false)
	return c
}

func hostCommand(p *place) *cobra.Command {
	c := &cobra.Command{Use: "host", Short: "Add, kill, boot, reboot or list hosts"}
	var role string
	add := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a host and boot it",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			l, err := p.open()
			if err != nil {
				return err
			}
			h, err := l.AddHost(args[0], lab.Role(role))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), h.Addr())
			return err
		},
	}
	add.Flags().StringVar(&role, "role", string(lab.Plain), "frontend, node, client, plain or dhcp")
	list := &cobra.Command{
		Use:   "list",
		Short: "List the hosts",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := p.open()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 8, 2, ' ', 0)
			for _, h := range l.Hosts() {
				state := "down"
				if l.Alive(h.Name) {
					state = "up"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", h.Name, h.Role, h.Addr(), state)
			}
			return w.Flush()
		},
	}
	c.AddCommand(add, list,
		nameCommand(p, "kill", "Stop a host as a power cut does", (*lab.Lab).Kill),
		nameCommand(p, "boot", "Start a killed host, with the same disk", (*lab.Lab).Boot),
		nameCommand(p, "reboot", "Kill and boot a host", (*lab.Lab).Reboot))
	return c
}

// nameCommand is a verb that takes a host's name and nothing else.
func nameCommand(p *place, verb, short string, do func(*lab.Lab, string) error) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " HOST",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			l, err := p.open()
			if err != nil {
				return err
			}
			return do(l, args[0])
		},
	}
}

func daemonCommand(p *place, name string, stop, start func(*lab.Lab, string) error) *cobra.Command {
	c := &cobra.Command{Use: name, Short: "Stop or start a host's " + name}
	c.AddCommand(nameCommand(p, "stop", "Stop it", stop), nameCommand(p, "start", "Start it", start))
	return c
}

func taggedCommand(p *place) *cobra.Command {
	c := &cobra.Command{Use: "tagged", Short: "Make the private switch drop or pass frames with VLAN tags"}
	c.AddCommand(nameCommand(p, "drop", "Drop them at a host's port, or (.) at every port", (*lab.Lab).DropTagged),
		nameCommand(p, "pass", "Pass them again at that port, or (.) everywhere", (*lab.Lab).PassTagged))
	return c
}

func imageCommand(p *place) *cobra.Command {
	return &cobra.Command{
		Use:   "image",
		Short: "Build the guest image into the lab's directory",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			image, err := lab.BuildImage(p.name, p.dir)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), image.Kernel, image.Ramdisk, image.Machine)
			return err
		},
	}
}
