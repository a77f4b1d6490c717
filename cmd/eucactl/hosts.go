package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"eucactl/cloud"
	"eucactl/controller"
	"eucactl/remote"
)

func (a *app) hostCommands() *cobra.Command {
	cmd := &cobra.Command{Use: "hosts", Short: "The machines of the inventory"}
	cmd.AddCommand(a.hostsList(), a.hostsScan(), a.takeOver(), a.declareDead())
	return cmd
}

func (a *app) hostsList() *cobra.Command {
	return &cobra.Command{
		Use:   "list [PATTERN]",
		Short: "List hosts as they were last seen, and strays on them",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req := cloud.DescribeHosts{}
			if len(args) > 0 {
				req.Pattern = args[0]
			}
			return show(a, cmd, "DescribeHosts", req, func(p *printer, all cloud.Hosts) {
				for _, h := range all.Hosts {
					hostRows(p, h)
				}
			})
		},
	}
}

func hostRows(p *printer, h cloud.HostView) {
	seen := "-"
	if !h.Seen.At.IsZero() {
		seen = stamp(h.Seen.At)
	}
	p.row(h.Name, "HOST", h.Name, h.Address, h.Cluster, strings.Join(h.Roles, ","), h.State, seen, fmt.Sprintf("%d instances", h.Instances), h.Why)
	if h.Metadata != "" {
		p.row("", "METADATA", h.Name, h.Metadata)
	}
	for _, s := range h.Strays {
		p.row("", "STRAY", h.Name, s, "bears our prefix, but no record names it: it is left alone")
	}
	for _, s := range h.Seen.Warnings {
		p.row("", "WARNING", h.Name, s)
	}
	for _, s := range h.Foreign {
		p.row("", "FOREIGN", h.Name, s, "not ours: it is left alone")
	}
}

func (a *app) hostsScan() *cobra.Command {
	var yes, replace bool
	cmd := &cobra.Command{
		Use:   "scan [PATTERN]",
		Short: "Show hosts' SSH keys and enrol them: afterwards only these keys are accepted",
		Args:  cobra.MaximumNArgs(1),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&replace, "replace", false, "replace enrolled keys that changed")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		inv, err := a.load()
		if err != nil {
			return err
		}
		hosts, err := inv.Select(patternOf(args))
		if err != nil {
			return err
		}
		s := &scan{a: a, dialer: a.dialer(), yes: yes, replace: replace, answers: bufio.NewReader(a.in)}
		for _, h := range hosts {
			if err := s.host(cmd, target(h)); err != nil {
				return err
			}
		}
		if s.refused > 0 {
			return fmt.Errorf("%d of %d hosts were not enrolled", s.refused, len(hosts))
		}
		return nil
	}
	return cmd
}

func patternOf(args []string) string {
	if len(args) == 0 {
		return "all"
	}
	return args[0]
}

// scan enrols hosts one after the other, asking for each.
type scan struct {
	a            *app
	dialer       *remote.Dialer
	yes, replace bool
	answers      *bufio.Reader
	refused      int
}

func (s *scan) host(cmd *cobra.Command, t remote.Target) error {
	if t.Local {
		return nil
	}
	keys, err := s.dialer.Scan(cmd.Context(), t)
	if err != nil {
		fmt.Fprintf(s.a.err, "%s: %v\n", t.Name, err)
		s.refused++
		return nil
	}
	fresh, changed := 0, 0
	for _, k := range keys {
		state := "new"
		switch {
		case k.Pinned:
			state = "enrolled"
		case len(k.Instead) > 0:
			state = "CHANGED, enrolled was " + k.Instead[0].Fingerprint
			changed++
		default:
			fresh++
		}
		fmt.Fprintf(s.a.out, "%s\t%s\t%s\t%s\t%s\n", t.Name, k.Address, k.Type, k.Fingerprint, state)
	}
	switch {
	case changed > 0 && !s.replace:
		fmt.Fprintf(s.a.err, "%s: its key changed; if that is legitimate: eucactl hosts scan --replace %s\n", t.Name, t.Name)
		s.refused++
		return nil
	case fresh+changed == 0:
		return nil
	case !s.yes && !s.agreed(t.Name):
		s.refused++
		return nil
	case changed > 0:
		return s.dialer.Replace(keys)
	}
	return s.dialer.Enrol(keys)
}

func (s *scan) agreed(name string) bool {
	fmt.Fprintf(s.a.err, "Are these the keys of %s? Compare them with `ssh-keygen -lf` there. [y/N] ", name)
	line, err := s.answers.ReadString('\n')
	if err != nil && line == "" {
		fmt.Fprintln(s.a.err, "no answer; --yes enrols without asking")
		return false
	}
	line = strings.ToLower(strings.TrimSpace(line))
	return line == "y" || line == "yes"
}

func (a *app) takeOver() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "take-over HOST",
		Short: "Make a host obey this controller, though it was last told by another one or by newer records",
		Long: "Make a host obey this controller, though it was last told by another one or by newer records.\n\n" +
			"The host is asked whom it obeys, and is taken over from that one: should it obey yet another when the next\n" +
			"run comes, that run is refused as well.",
		Args: cobra.ExactArgs(1),
	}
	c := a.changeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req := cloud.TakeOver{Host: args[0]}
		if err := c.looksWhomItObeys(cmd.Context(), req); err != nil {
			return err
		}
		err := do(c, cmd, "TakeOver", req, outcome[cloud.HostView]{rows: hostRows})
		if err == nil && !c.check {
			fmt.Fprintf(a.err, "%s is taken over by the next run: eucactl reconcile %s --check, then eucactl reconcile %s\n", args[0], args[0], args[0])
		}
		return err
	}
	return cmd
}

// looksWhomItObeys meets the host's refusal once more, unless the request itself is
// refused. It is a check: nothing is done there.
func (c *change) looksWhomItObeys(ctx context.Context, req cloud.TakeOver) error {
	if c.check {
		return nil
	}
	return c.a.with(ctx, func(d controller.Door) error {
		_, _, err := controller.Ask[cloud.HostView](ctx, d, "TakeOver", controller.Caller{User: c.a.user}, true, req)
		var refused *cloud.Error
		if err != nil && !(errors.As(err, &refused) && refused.Code == "InvalidState") {
			return err
		}
		r, err := d.Reconcile(ctx, controller.Reconcile{Hosts: []string{req.Host}, Check: true, Look: true}, nil)
		if err == nil && len(r.Hosts) == 1 && r.Hosts[0].Outcome == controller.HostUnreachable {
			err = fmt.Errorf("whom %s obeys is not known: %s", req.Host, r.Hosts[0].Words)
		}
		return err
	})
}

func (a *app) declareDead() *cobra.Command {
	var req cloud.DeclareDead
	cmd := &cobra.Command{
		Use:   "declare-dead NODE",
		Short: "Give a node up: its instances end without its answer",
		Long: "Give a node up: its instances end without its answer and their addresses are given to others.\n" +
			"Only a person can know that a machine is off and stays off. Should it come back while it still\n" +
			"runs them, two machines have one address. It is asked for the node's name once more.",
		Args: cobra.ExactArgs(1),
	}
	c := a.changeFlags(cmd)
	cmd.Flags().StringVar(&req.Why, "why", "", "the reason (required), kept with who and when")
	cmd.Flags().StringVar(&req.Name, "confirm", "", "the node's name once more, instead of being asked")
	cmd.Flags().BoolVar(&req.Undo, "undo", false, "the node is back: contact it again")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req.Host = args[0]
		if req.Why == "" && !req.Undo {
			return fmt.Errorf("say why %s is given up, with --why: it is kept with your word", req.Host)
		}
		if req.Name == "" && !req.Undo {
			fmt.Fprintf(a.err, "Type the name of the node to declare it dead: ")
			line, _ := bufio.NewReader(a.in).ReadString('\n')
			req.Name = strings.TrimSpace(line)
		}
		err := do(c, cmd, "DeclareDead", req, outcome[cloud.HostView]{rows: hostRows})
		if err == nil && !c.check {
			fmt.Fprintln(a.err, "now: eucactl reconcile")
		}
		return err
	}
	return cmd
}

// hostLine is one host of a reconcile in one line, with its failures below.
func hostLine(w io.Writer, r controller.HostReport) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s (ok %d, changed %d, would change %d, failed %d, skipped %d)\n", r.Host, r.Outcome, r.OK, r.Changed, r.Would, r.Failed, r.Skipped)
	for _, t := range r.Tasks {
		fmt.Fprintf(&b, "  %s: %s\n", t.Outcome, t.Name)
		if t.Outcome != "changed" && t.Words != "" {
			fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(t.Words, "\n", "\n    "))
		}
		if t.Diff != "" {
			fmt.Fprintf(&b, "%s\n", strings.TrimRight(t.Diff, "\n"))
		}
	}
	if r.Words != "" && r.Failed == 0 { // a failed task has said it above
		fmt.Fprintf(&b, "  %s\n", r.Words)
	}
	for _, s := range r.Warnings {
		fmt.Fprintf(&b, "  warning: %s\n", s)
	}
	if r.Next != "" {
		fmt.Fprintf(&b, "  next: %s\n", r.Next)
	}
	fmt.Fprint(w, harmless(b.String()))
}
