package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// HostKey is a key a host offers, and how it compares with the pinned ones.
type HostKey struct {
	Host        string
	Address     string // host:port (or alias:22) it is pinned under
	Type        string
	Fingerprint string
	Key         ssh.PublicKey
	Pinned      bool        // the host is already known by this key
	Instead     []PinnedKey // other pinned keys of the same type
}

// families are asked for in one connection each: of one family a host offers
// its best, and few connections keep sshd from taking us for a scanner.
var families = [][]string{
	{ssh.KeyAlgoED25519},
	{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
	{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
}

// Scan asks a host for its keys without logging in. Jump hosts on the way must
// be known already.
func (d *Dialer) Scan(ctx context.Context, t Target) ([]HostKey, error) {
	if t.Local {
		return nil, fmt.Errorf("%s is this machine: it has no host key to enrol", t.name())
	}
	hops, err := d.route(t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.name(), err)
	}
	var way via
	defer func() { way.close() }()
	for _, h := range hops[:len(hops)-1] {
		cl, tcp, err := d.start(ctx, h, way.last())
		if err != nil {
			return nil, err
		}
		way.under, way.clients = append(way.under, tcp), append(way.clients, cl)
	}
	h := hops[len(hops)-1]
	var keys []HostKey
	for _, algorithms := range families {
		key, err := d.offered(ctx, h, way.last(), algorithms)
		if err != nil {
			return nil, err
		}
		if key == nil {
			continue
		}
		k, err := d.compare(h, key)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, &UnreachableError{Host: h.name, Address: h.address, Stage: handshaking,
			Err: errors.New("it offers no ed25519, ecdsa or rsa host key")}
	}
	return keys, nil
}

var errSeen = errors.New("seen enough")

// offered returns the host's key of one family, nil when it has none.
func (d *Dialer) offered(ctx context.Context, h hop, through *ssh.Client, algorithms []string) (ssh.PublicKey, error) {
	release, err := d.starts.acquire(ctx, h.address, d.maxStarts())
	if err != nil {
		return nil, fmt.Errorf("%s: waiting to connect: %w", h.name, err)
	}
	defer release()
	var seen ssh.PublicKey
	a := &attempt{hop: h, through: through, creds: &credentials{}}
	a.config = ssh.ClientConfig{User: h.user, HostKeyAlgorithms: algorithms,
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			seen, a.refused = key, errSeen
			return errSeen
		}}
	err = d.try(ctx, a)
	var none *ssh.AlgorithmNegotiationError
	if errors.Is(err, errSeen) || errors.As(err, &none) && strings.Contains(err.Error(), "host key") {
		return seen, nil
	}
	return nil, err
}

func (d *Dialer) compare(h hop, key ssh.PublicKey) (HostKey, error) {
	k := HostKey{Host: h.name, Address: h.pin, Type: key.Type(), Fingerprint: ssh.FingerprintSHA256(key), Key: key}
	for _, name := range h.knownHosts {
		db, err := d.pinned.file(name)
		if err != nil {
			return k, err
		}
		if db == nil {
			continue
		}
		known := lookup(db, h.pin)
		for _, p := range describe(known) {
			if p.Fingerprint == k.Fingerprint {
				k.Pinned = true
			} else if p.Type == k.Type {
				k.Instead = append(k.Instead, p)
			}
		}
		if len(known) > 0 {
			break // the file that decides, see pin
		}
	}
	return k, nil
}

// Enrol pins keys that Scan returned, in our own file. It refuses a key that
// contradicts a pinned one of its type: that is Replace's business.
func (d *Dialer) Enrol(keys []HostKey) error {
	for _, k := range keys {
		if !k.Pinned && len(k.Instead) > 0 {
			return &ChangedHostKeyError{Host: k.Host, Address: k.Address, Known: k.Instead, Type: k.Type, Fingerprint: k.Fingerprint}
		}
	}
	return d.rewrite(keys, false)
}

// Replace pins keys that Scan returned and removes whatever else our own file
// holds for the same addresses. Other files need no change: ours decides.
func (d *Dialer) Replace(keys []HostKey) error { return d.rewrite(keys, true) }

// rewrite replaces our file at once, under a lock, so that readers see the old
// or the new one and two enrolments both last.
func (d *Dialer) rewrite(keys []HostKey, replace bool) error {
	if d.KnownHosts == "" {
		return errors.New("known hosts: no file to enrol into")
	}
	if err := os.MkdirAll(filepath.Dir(d.KnownHosts), 0o700); err != nil {
		return fmt.Errorf("known hosts: %w", err)
	}
	unlock, err := lock(d.KnownHosts + ".lock")
	if err != nil {
		return fmt.Errorf("known hosts: %w", err)
	}
	defer unlock()
	d.pinned.forget(d.KnownHosts) // two changes may share a length and a clock tick
	defer d.pinned.forget(d.KnownHosts)
	old, err := os.ReadFile(d.KnownHosts)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("known hosts: %w", err)
	}
	lines := strings.Split(strings.TrimRight(string(old), "\n"), "\n")
	if len(old) == 0 {
		lines = nil
	}
	if replace {
		if lines, err = d.without(lines, keys); err != nil {
			return err
		}
	}
	for _, k := range keys {
		line := knownhosts.Line([]string{k.Address}, k.Key)
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if err := writeFile(d.KnownHosts, strings.Join(lines, "\n")+"\n"); err != nil {
		return fmt.Errorf("known hosts: %w", err)
	}
	return nil
}

// without drops what the lines say about the keys' addresses. A line that also
// speaks of other hosts loses only the address; one that matches it by a
// pattern is the operator's to change.
func (d *Dialer) without(lines []string, keys []HostKey) ([]string, error) {
	db, err := d.pinned.file(d.KnownHosts)
	if err != nil || db == nil {
		return lines, err
	}
	lines = slices.Clone(lines)
	done, gone := map[string]bool{}, map[int]bool{}
	for _, k := range keys {
		if done[k.Address] {
			continue
		}
		done[k.Address] = true
		for _, known := range lookup(db, k.Address) {
			i := known.Line - 1
			if i >= len(lines) {
				continue
			}
			rest, ok := withoutName(lines[i], knownhosts.Normalize(k.Address))
			if !ok {
				return nil, fmt.Errorf("%s:%d: pins a key for %s by a pattern: change this line by hand", known.Filename, known.Line, k.Host)
			}
			lines[i], gone[i] = rest, rest == ""
		}
	}
	var kept []string
	for i, l := range lines {
		if !gone[i] {
			kept = append(kept, l)
		}
	}
	return kept, nil
}

// withoutName takes one name off a known_hosts line; a hashed name, which is
// always alone, goes with its line.
func withoutName(line, name string) (rest string, ok bool) {
	names, key, _ := strings.Cut(strings.TrimSpace(line), " ")
	if strings.HasPrefix(names, "|1|") {
		return "", true
	}
	list := strings.Split(names, ",")
	left := slices.DeleteFunc(slices.Clone(list), func(n string) bool { return n == name })
	switch {
	case len(left) == len(list):
		return line, strings.HasPrefix(names, "@") // a certificate authority stays
	case len(left) == 0:
		return "", true
	}
	return strings.Join(left, ",") + " " + key, true
}

func lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// writeFile replaces a private file so that a power cut leaves the old or the new.
func writeFile(name, text string) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".known_hosts-*") // made with mode 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
