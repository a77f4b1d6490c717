package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"eucactl/cloud"
	"eucactl/controller"
)

// exitBroken is that of a question whose answer is a broken link.
const exitBroken = 2

func (a *app) whyCommand() *cobra.Command {
	var req cloud.Why
	cmd := &cobra.Command{
		Use:   "why INSTANCE unreachable [from ADDRESS[:PORT]] | INSTANCE pending | INSTANCE not-reported",
		Short: "Find what keeps an instance from being reached, on live hosts",
		Long: "Find what keeps an instance from being reached, on live hosts.\n\n" +
			"The way of a packet is followed in the guide's order: records, node, machine, bridge, lease, frontend, firewall.\n" +
			"The first broken link is named, with what shows it and what to do. The node and the frontend are asked once, and\n" +
			"nothing is changed. ADDRESS is who asks, PORT is the instance's (tcp unless --protocol says otherwise); without\n" +
			"them it is asked for all that the instance's groups let in.\n\n" +
			"Exit codes: 0 nothing wrong found, 1 error, 2 a broken link is named.",
		Args: cobra.RangeArgs(2, 4),
	}
	cmd.Flags().StringVarP(&req.Protocol, "protocol", "P", "", "tcp, udp or icmp")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := whyRequest(&req, args); err != nil {
			return err
		}
		return a.with(cmd.Context(), func(d controller.Door) error {
			out, err := d.Why(cmd.Context(), controller.Caller{User: a.user}, req)
			if err != nil {
				return err
			}
			if out.Broken != nil {
				a.code = exitBroken
			}
			return a.print(out, func(p *printer) { diagnosisRows(p, out, req) })
		})
	}
	return cmd
}

// whyRequest reads the words behind why.
func whyRequest(req *cloud.Why, args []string) error {
	req.ID = args[0]
	switch args[1] {
	case "unreachable":
	case cloud.StatePending, cloud.StateNotReported, cloud.StateShuttingDown, cloud.StateEnded:
		if req.State = args[1]; len(args) > 2 {
			return fmt.Errorf("why %s %s takes no more words", args[0], args[1])
		}
		return nil
	default:
		return fmt.Errorf("why %s %.64q: ask why it is unreachable, pending or not-reported", args[0], args[1])
	}
	switch req.Protocol {
	case "", "tcp", "udp", "icmp":
	default:
		return cloud.Errorf("InvalidParameterValue", "protocol %.64q: use tcp, udp or icmp", req.Protocol)
	}
	if len(args) == 2 {
		return nil
	}
	if args[2] != "from" || len(args) != 4 {
		return fmt.Errorf("who asks is given as: from ADDRESS[:PORT]")
	}
	return whyFrom(req, args[3])
}

// whyFrom reads ADDRESS or ADDRESS:PORT.
func whyFrom(req *cloud.Why, text string) error {
	address, port, has := strings.Cut(text, ":")
	from, err := netip.ParseAddr(address)
	if err != nil || !from.Is4() {
		return cloud.Errorf("InvalidParameterValue", "address %.64q: use A.B.C.D or A.B.C.D:PORT", text)
	}
	req.From = from
	if !has {
		return nil
	}
	if req.Port, err = strconv.Atoi(port); err != nil || req.Port < 1 || req.Port > 65535 || req.Protocol == "icmp" {
		return cloud.Errorf("InvalidParameterValue", "port %.64q: use a number from 1 to 65535, of tcp or udp", port)
	}
	return nil
}

// diagnosisRows: the verdict first, what it rests on below.
func diagnosisRows(p *printer, d cloud.Diagnosis, req cloud.Why) {
	id := string(d.ID)
	if d.Broken == nil {
		row := []string{"OK", id, "nothing wrong found", d.Way}
		if req.State != "" {
			row = row[:2:2]
			row = append(row, d.Way)
		}
		p.row(id, row...)
	} else {
		where := d.Broken.Host
		if where == "" {
			where = "records"
		}
		p.row(id, "BROKEN", id, where, d.Broken.Words)
		for _, e := range d.Broken.Evidence {
			p.row("", "EVIDENCE", id, e)
		}
		for _, n := range d.Broken.Next {
			p.row("", "NEXT", id, n)
		}
	}
	for _, words := range d.Looked {
		p.row("", "LOOKED", id, words)
	}
	for _, words := range d.Unseen {
		p.row("", "UNSEEN", id, words)
	}
	for _, words := range d.Doubts {
		p.row("", "DOUBT", id, words)
	}
}
