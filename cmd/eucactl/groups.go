package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"eucactl/cloud"
)

func (a *app) groupCommands() []*cobra.Command {
	return []*cobra.Command{
		a.createGroup(), a.deleteGroup(), a.describeGroups(),
		a.permissionCommand("authorize", "Let traffic into a group", func(g string, p []cloud.Permission) (string, any) {
			return "AuthorizeSecurityGroupIngress", cloud.Authorize{Group: g, Permissions: p}
		}),
		a.permissionCommand("revoke", "Take a rule of a group back; flows that only it allowed are cut", func(g string, p []cloud.Permission) (string, any) {
			return "RevokeSecurityGroupIngress", cloud.Revoke{Group: g, Permissions: p}
		}),
	}
}

func (a *app) createGroup() *cobra.Command {
	var req cloud.CreateGroup
	cmd := &cobra.Command{Use: "create-group NAME", Short: "Make a security group", Aliases: []string{"add-group"}, Args: cobra.ExactArgs(1)}
	c := a.changeFlags(cmd)
	cmd.Flags().StringVarP(&req.Description, "description", "d", "", "description")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req.Name = args[0]
		return do(c, cmd, "CreateSecurityGroup", req, outcome[cloud.Group]{rows: func(p *printer, g cloud.Group) {
			p.row(string(g.ID), "GROUP", string(g.ID), g.Name, g.Description)
		}})
	}
	return cmd
}

func (a *app) deleteGroup() *cobra.Command {
	cmd := &cobra.Command{Use: "delete-group NAME", Short: "Remove a group that nothing uses", Args: cobra.ExactArgs(1)}
	c := a.changeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return do(c, cmd, "DeleteSecurityGroup", cloud.DeleteGroup{Name: args[0]}, empty("GROUP", args[0]))
	}
	return cmd
}

func (a *app) describeGroups() *cobra.Command {
	return &cobra.Command{
		Use:     "describe-group [NAME...]",
		Aliases: []string{"describe-groups"},
		Short:   "List security groups with their rules",
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(a, cmd, "DescribeSecurityGroups", cloud.DescribeGroups{Names: args}, func(p *printer, all cloud.Groups) {
				for _, g := range all.Groups {
					groupRows(p, g)
				}
			})
		},
	}
}

func groupRows(p *printer, g cloud.GroupView) {
	p.row(string(g.ID), "GROUP", string(g.ID), g.Owner, g.Name, g.Description, "chain "+g.Chain)
	for _, n := range g.Networks {
		p.row("", "NETWORK", g.Name, n.Cluster, n.CIDR.String(), "gateway "+n.Gateway.String(), fmt.Sprintf("%d of %d instances", n.Instances, n.Capacity))
	}
	for _, r := range g.Rules {
		permissionRow(p, g.Group, r)
	}
}

func permissionRow(p *printer, g cloud.Group, r cloud.Permission) {
	row := []string{"PERMISSION", g.Owner, g.Name, "ALLOWS", r.Protocol, strconv.Itoa(r.From), strconv.Itoa(r.To), "FROM"}
	if r.CIDR.IsValid() {
		row = append(row, "CIDR", r.CIDR.String())
	} else {
		row = append(row, "USER", r.Source.User, "GRPNAME", r.Source.Name)
	}
	p.row("", row...)
}

// ruleFlags are those of euca-authorize.
type ruleFlags struct {
	protocol, ports, icmp, cidr, group, user string
}

func (a *app) permissionCommand(use, short string, request func(string, []cloud.Permission) (string, any)) *cobra.Command {
	var r ruleFlags
	cmd := &cobra.Command{
		Use:   use + " GROUP",
		Short: short,
		Example: fmt.Sprintf("  eucactl %s web -P tcp -p 80 -s 0.0.0.0/0\n  eucactl %s web -P tcp -p 8000-8999 --source-group other -u alice\n  eucactl %s web -P icmp -t -1:-1",
			use, use, use),
		Args: cobra.ExactArgs(1),
	}
	c := a.changeFlags(cmd)
	f := cmd.Flags()
	f.StringVarP(&r.protocol, "protocol", "P", "tcp", "tcp, udp, icmp or all")
	f.StringVarP(&r.ports, "port-range", "p", "", "port, or FIRST-LAST; -1 is 1-65535")
	f.StringVarP(&r.icmp, "icmp-type-code", "t", "", "icmp TYPE:CODE; -1:-1 is all")
	f.StringVarP(&r.cidr, "cidr", "s", "", "source network (default without a source group: 0.0.0.0/0)")
	f.StringVar(&r.group, "source-group", "", "source security group")
	f.StringVarP(&r.user, "source-group-user", "u", "", "the source group's owner (default: you)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := r.permission(a.user)
		if err != nil {
			return err
		}
		verb, req := request(args[0], []cloud.Permission{p})
		return do(c, cmd, verb, req, outcome[cloud.Group]{rows: func(out *printer, g cloud.Group) {
			out.row("", "GROUP", g.Name)
			if use == "authorize" {
				permissionRow(out, g, g.Rules[len(g.Rules)-1])
			}
		}})
	}
	return cmd
}

func (r ruleFlags) permission(user string) (p cloud.Permission, err error) {
	p.Protocol = strings.ToLower(r.protocol)
	if name, ok := map[string]string{"-1": "all", "1": "icmp", "6": "tcp", "17": "udp"}[p.Protocol]; ok {
		p.Protocol = name
	}
	if p.From, p.To, err = r.bounds(p.Protocol); err != nil {
		return p, err
	}
	if r.group != "" {
		if r.cidr != "" {
			return p, cloud.Errorf("InvalidParameterCombination", "a rule has one source: -s or --source-group")
		}
		if r.user != "" {
			user = r.user
		}
		p.Source = cloud.GroupRef{User: user, Name: r.group}
		return p, nil
	}
	p.CIDR, err = parseCIDR(r.cidr)
	return p, err
}

func (r ruleFlags) bounds(protocol string) (from, to int, err error) {
	switch protocol {
	case "icmp":
		if r.ports != "" {
			return 0, 0, cloud.Errorf("InvalidParameterCombination", "icmp has no ports: use -t TYPE:CODE")
		}
		if r.icmp == "" {
			return -1, -1, nil
		}
		return two(r.icmp, ":", "icmp type and code")
	case "all":
		if r.ports != "" {
			return 0, 0, cloud.Errorf("InvalidParameterCombination", "all protocols: ports cannot be given")
		}
		return -1, -1, nil
	case "tcp", "udp":
	default:
		return 0, 0, cloud.Permission{Protocol: protocol}.Check()
	}
	if r.ports == "" {
		return 0, 0, cloud.Errorf("MissingParameter", "%.64s needs -p PORT or -p FIRST-LAST", protocol)
	}
	if r.icmp != "" {
		return 0, 0, cloud.Errorf("InvalidParameterCombination", "-t is for icmp")
	}
	if r.ports == "-1" { // as euca-authorize takes it
		return 1, 65535, nil
	}
	if !strings.Contains(r.ports, "-") {
		return two(r.ports+"-"+r.ports, "-", "port")
	}
	return two(r.ports, "-", "port range")
}

func two(s, sep, what string) (int, int, error) {
	first, last, ok := strings.Cut(s, sep)
	a, err1 := strconv.Atoi(first)
	b, err2 := strconv.Atoi(last)
	if !ok || err1 != nil || err2 != nil {
		return 0, 0, cloud.Errorf("InvalidParameterValue", "%s %.64q: use NUMBER%sNUMBER", what, s, sep)
	}
	return a, b, nil
}

// parseCIDR reads a network or a single address.
func parseCIDR(s string) (netip.Prefix, error) {
	if s == "" {
		s = "0.0.0.0/0"
	}
	if !strings.Contains(s, "/") {
		s += "/32"
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		return p, cloud.Errorf("InvalidParameterValue", "CIDR block %.64s is malformed: use A.B.C.D/BITS", s)
	}
	return p, nil
}
