package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// unreachable puts the failure of an attempt into an operator's words, with a
// next step where there is an obvious one.
func (a *attempt) unreachable(timed context.Context, err error, after time.Duration) error {
	var dns *net.DNSError
	e := &UnreachableError{Host: a.hop.name, Address: a.hop.address, Stage: a.stage, Err: err}
	switch {
	case timed.Err() != nil:
		e.Err = fmt.Errorf("no answer within %s: %w", after, os.ErrDeadlineExceeded)
		e.Hint = "is the host up, and does a firewall let the controller in"
		if a.stage != connecting {
			e.Hint = "something accepts connections there, but does not finish an SSH " + a.stage
		}
	case errors.As(err, &dns):
		e.Hint = "set ansible_host to an address"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Hint = "is sshd running there, and is ansible_port right"
	case errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH):
		e.Hint = "is the host up, and is there a route to it"
	case a.stage == handshaking && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)):
		e.Hint = "the host drops new connections: see MaxStartups in its sshd_config, and its sshd's log"
	case a.stage == authenticating:
		a.unauthenticated(e)
	}
	return e
}

func (a *attempt) unauthenticated(e *UnreachableError) {
	e.Tried = a.creds.tried
	who := a.hop.user + "@" + a.hop.host
	switch {
	case strings.Contains(e.Err.Error(), "unable to authenticate"):
		e.Err = fmt.Errorf("the host accepts no key for user %s", a.hop.user)
	case !strings.Contains(e.Err.Error(), "disconnect"):
		return
	}
	e.Hint = fmt.Sprintf("check ansible_user and ansible_ssh_private_key_file, or add a key with: ssh-copy-id %s", who)
	if len(a.creds.signers) == 0 {
		e.Hint = "no usable key: set ansible_ssh_private_key_file or start an ssh-agent"
	}
}
