package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/crypto/ssh"
)

// Dialer opens connections. Its zero value uses no configuration, no agent, no
// keys but the target's and knows no host; New fills it as ssh would. It is
// not copied after first use.
type Dialer struct {
	// KnownHosts is our own file of pinned host keys: Enrol and Replace write
	// it, and a host it knows is looked up nowhere else.
	KnownHosts string
	// MoreKnownHosts are read after it and never written. The first file that
	// knows a host decides; files that do not exist are passed over.
	MoreKnownHosts []string
	// SSHConfig are ssh_config files; the first value found counts.
	SSHConfig []string
	// Agent is the socket of an ssh-agent, empty for none.
	Agent string
	// KeyFiles are tried for targets that name no key.
	KeyFiles []string
	// User logs in to targets that name no user.
	User string
	// Home is what ~ and %d mean in ssh_config.
	Home string

	ConnectTimeout time.Duration // for one host, retries and handshake included; 10 s
	Inactivity     time.Duration // how long a program may say nothing; 5 min
	KeepAlive      time.Duration // between questions; three unanswered ones end a connection; 15 s
	// MaxStarts bounds the connections being started, not those open. 64 keeps
	// the handshakes' arithmetic from making a slow controller time out its own
	// peers. To one host only one connection is ever started at a time, as
	// sshd refuses starts at random above ten (MaxStartups) and strangers count.
	MaxStarts int

	starts starts
	pinned pinned
}

// New returns a Dialer that finds what the user's ssh finds, with knownHosts as
// the file of our own. Another $HOME than the user's own counts.
func New(knownHosts string) *Dialer {
	d := &Dialer{KnownHosts: knownHosts, Agent: os.Getenv("SSH_AUTH_SOCK")}
	if u, err := user.Current(); err == nil {
		d.User, d.Home = u.Username, u.HomeDir
	}
	if home, err := os.UserHomeDir(); err == nil {
		d.Home = home
	}
	if d.Home != "" {
		ssh := filepath.Join(d.Home, ".ssh")
		d.SSHConfig = append(d.SSHConfig, filepath.Join(ssh, "config"))
		d.MoreKnownHosts = append(d.MoreKnownHosts, filepath.Join(ssh, "known_hosts"))
		for _, k := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			d.KeyFiles = append(d.KeyFiles, filepath.Join(ssh, k))
		}
	}
	d.SSHConfig = append(d.SSHConfig, "/etc/ssh/ssh_config")
	d.MoreKnownHosts = append(d.MoreKnownHosts, "/etc/ssh/ssh_known_hosts")
	return d
}

func (d *Dialer) connectTimeout() time.Duration { return or(d.ConnectTimeout, 10*time.Second) }
func (d *Dialer) inactivity() time.Duration     { return or(d.Inactivity, 5*time.Minute) }
func (d *Dialer) keepAlive() time.Duration      { return or(d.KeepAlive, 15*time.Second) }
func (d *Dialer) maxStarts() int                { return or(d.MaxStarts, 64) }

func or[T int | time.Duration](v, fallback T) T {
	if v > 0 {
		return v
	}
	return fallback
}

// Dial connects to t and logs in. Its errors are *UnknownHostError,
// *ChangedHostKeyError, *UnreachableError, the context's, or say what is wrong
// with the configuration.
func (d *Dialer) Dial(ctx context.Context, t Target) (Conn, error) {
	if t.Local {
		if u, err := user.Current(); err == nil {
			t.User = u.Username
		}
		return newLocalConn(t, d.inactivity()), nil
	}
	hops, err := d.route(t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.name(), err)
	}
	var way via
	for _, h := range hops {
		cl, tcp, err := d.start(ctx, h, way.last())
		if err != nil {
			way.close()
			return nil, err
		}
		way.under = append(way.under, tcp)
		way.clients = append(way.clients, cl)
	}
	last := hops[len(hops)-1]
	t.User = last.user
	return newSSHConn(t, last.address, way.last(), way.under, d.inactivity(), d.keepAlive()), nil
}

// via is the chain of connections that lead to a host, the nearest first.
type via struct {
	under   []io.Closer
	clients []*ssh.Client
}

func (v *via) last() *ssh.Client {
	if len(v.clients) == 0 {
		return nil
	}
	return v.clients[len(v.clients)-1]
}

func (v *via) close() {
	for _, u := range v.under {
		_ = u.Close()
	}
}

// start connects and logs in to one hop, through the one before it if any. It
// repeats only what has certainly had no effect: connections that were refused
// or dropped before the host showed its key, as a starting or a crowded sshd does.
func (d *Dialer) start(ctx context.Context, h hop, through *ssh.Client) (*ssh.Client, net.Conn, error) {
	release, err := d.starts.acquire(ctx, h.address, d.maxStarts())
	if err != nil {
		return nil, nil, fmt.Errorf("%s: waiting to connect: %w", h.name, err)
	}
	defer release()
	creds := d.credentials(h)
	defer creds.close()
	defer context.AfterFunc(ctx, creds.close)()
	a := &attempt{hop: h, through: through, creds: creds}
	a.config = ssh.ClientConfig{User: h.user, Auth: creds.methods()}
	if err := d.pin(a); err != nil {
		return nil, nil, err
	}
	err = d.try(ctx, a)
	return a.client, a.tcp, err
}

// try runs an attempt within the connect timeout, retries included.
func (d *Dialer) try(ctx context.Context, a *attempt) error {
	timed, cancel := context.WithTimeout(ctx, a.hop.timeout)
	defer cancel()
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = 200 * time.Millisecond
	_, err := backoff.Retry(timed, func() (struct{}, error) {
		err := a.run(timed)
		if err != nil && !a.harmless(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(4), backoff.WithMaxElapsedTime(a.hop.timeout))
	switch {
	case err == nil:
		return nil
	case a.refused != nil: // the host key
		return a.refused
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", a.hop.name, context.Cause(ctx))
	}
	if changed := a.missingKey(err); changed != nil {
		return changed
	}
	return a.unreachable(timed, err, a.hop.timeout)
}

// The stages of an attempt.
const (
	connecting     = "connect"
	handshaking    = "handshake"
	authenticating = "authentication"
)

// attempt is the start of one connection and what is known about it.
type attempt struct {
	hop     hop
	through *ssh.Client
	creds   *credentials
	config  ssh.ClientConfig

	stage   string
	refused error // what the host key callback answered
	known   []PinnedKey
	tcp     net.Conn
	client  *ssh.Client
}

func (a *attempt) run(ctx context.Context) error {
	a.stage = connecting
	tcp, err := a.connect(ctx)
	if err != nil {
		return err
	}
	a.stage = handshaking
	// Closing is the only way to interrupt a handshake on every kind of net.Conn.
	stop := context.AfterFunc(ctx, func() { _ = tcp.Close() })
	conn, chans, reqs, err := ssh.NewClientConn(tcp, a.hop.pin, &a.config)
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		stop()
		_ = tcp.Close()
		return err
	}
	a.tcp, a.client = tcp, ssh.NewClient(conn, chans, reqs)
	return nil
}

func (a *attempt) connect(ctx context.Context) (net.Conn, error) {
	if a.through != nil {
		return a.through.DialContext(ctx, "tcp", a.hop.address)
	}
	var nd net.Dialer
	return nd.DialContext(ctx, "tcp", a.hop.address)
}

// harmless tells whether the host had not yet taken us in when err came.
func (a *attempt) harmless(err error) bool {
	if a.stage == authenticating || a.refused != nil {
		return false
	}
	for _, e := range []error{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, io.EOF} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
