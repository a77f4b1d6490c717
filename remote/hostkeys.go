package remote

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// PinnedKey is a host key as a known_hosts file holds it.
type PinnedKey struct {
	File        string
	Line        int
	Type        string
	Fingerprint string
}

func (p PinnedKey) String() string {
	return fmt.Sprintf("%s %s (%s:%d)", p.Type, p.Fingerprint, p.File, p.Line)
}

// UnknownHostError says that no file pins a key for the host. Nothing is
// trusted on first use: the operator enrols it.
type UnknownHostError struct {
	Host        string
	Address     string // host:port
	Type        string
	Fingerprint string
	Jump        bool // it is a jump host of ssh_config, not one of the inventory
}

func (e *UnknownHostError) Error() string {
	how := "eucactl hosts scan " + e.Host
	if e.Jump {
		how = "ssh " + e.Host
	}
	return fmt.Sprintf("host key of %s (%s) is not known; enrol it with: %s", e.Host, e.Address, how)
}

// ChangedHostKeyError says that a host shows another key than the pinned one.
type ChangedHostKeyError struct {
	Host        string
	Address     string
	Known       []PinnedKey
	Type        string // of the key offered, empty when none of the pinned kinds was
	Fingerprint string
	Revoked     bool // the key is marked @revoked, or the host's certificate is bad
	Detail      string
}

func (e *ChangedHostKeyError) Error() string {
	var known []string
	for _, k := range e.Known {
		known = append(known, k.String())
	}
	pinned, offered := strings.Join(known, ", "), "no key of that type"
	if e.Fingerprint != "" {
		offered = e.Type + " " + e.Fingerprint
	}
	who := fmt.Sprintf("%s (%s)", e.Host, e.Address)
	if e.Revoked {
		return fmt.Sprintf("host key of %s is refused: it offers %s: %s; nothing was sent to it", who, offered, e.Detail)
	}
	return fmt.Sprintf("host key of %s has changed: pinned %s, offered %s; somebody may be in between. "+
		"If the host was reinstalled, compare the fingerprint on its console, then: eucactl hosts scan --replace %s",
		who, pinned, offered, e.Host)
}

// pinned keeps parsed known_hosts files until they change on disk.
type pinned struct {
	mu    sync.Mutex
	files map[string]*knownFile
}

type knownFile struct {
	db       *knownhosts.HostKeyDB
	size     int64
	modified time.Time
}

// file returns the parsed file, nil when there is none.
func (p *pinned) file(name string) (*knownhosts.HostKeyDB, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	st, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("known hosts: %w", err)
	}
	if f := p.files[name]; f != nil && f.size == st.Size() && f.modified.Equal(st.ModTime()) {
		return f.db, nil
	}
	db, err := knownhosts.NewDB(name)
	if err != nil {
		return nil, fmt.Errorf("known hosts: %w", err)
	}
	if p.files == nil {
		p.files = map[string]*knownFile{}
	}
	p.files[name] = &knownFile{db, st.Size(), st.ModTime()}
	return db, nil
}

func (p *pinned) forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.files, name)
}

// nobody is an address to ask a known_hosts file about: names decide, not this.
var nobody = &net.TCPAddr{IP: net.IPv4zero}

// lookup returns what one file pins for an address.
func lookup(db *knownhosts.HostKeyDB, address string) []xknownhosts.KnownKey {
	var mismatch *xknownhosts.KeyError
	if errors.As(db.HostKeyCallback()(address, nobody, noKey{}), &mismatch) {
		return mismatch.Want
	}
	return nil
}

// noKey is a public key that no file pins; comparing with it lists those that are.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("not a key") }

// pin makes an attempt accept only a pinned host key: of the first file that
// knows the host, so a stale line elsewhere cannot bring a replaced key back.
// A key that any file marks @revoked is refused.
func (d *Dialer) pin(a *attempt) error {
	var deciding *knownhosts.HostKeyDB
	var all []*knownhosts.HostKeyDB
	for _, name := range a.hop.knownHosts {
		db, err := d.pinned.file(name)
		if err != nil {
			return fmt.Errorf("%s: %w", a.hop.name, err)
		}
		if db == nil {
			continue
		}
		all = append(all, db)
		if deciding == nil && len(lookup(db, a.hop.pin)) > 0 {
			deciding = db
		}
	}
	a.config.HostKeyCallback = func(address string, from net.Addr, key ssh.PublicKey) error {
		a.refused = a.verify(deciding, all, from, key)
		if a.refused == nil {
			a.stage = authenticating
		}
		return a.refused
	}
	if deciding != nil {
		a.config.HostKeyAlgorithms = deciding.HostKeyAlgorithms(a.hop.pin)
		a.known = describe(lookup(deciding, a.hop.pin))
	}
	return nil
}

func describe(keys []xknownhosts.KnownKey) []PinnedKey {
	var ps []PinnedKey
	for _, k := range keys {
		ps = append(ps, PinnedKey{k.Filename, k.Line, k.Key.Type(), ssh.FingerprintSHA256(k.Key)})
	}
	return ps
}

func (a *attempt) verify(deciding *knownhosts.HostKeyDB, all []*knownhosts.HostKeyDB, from net.Addr, key ssh.PublicKey) error {
	var revoked *xknownhosts.RevokedError
	for _, db := range all {
		if err := db.HostKeyCallback()(a.hop.pin, from, key); errors.As(err, &revoked) {
			e := a.changed(key)
			e.Revoked, e.Detail = true, fmt.Sprintf("%s:%d marks it @revoked", revoked.Revoked.Filename, revoked.Revoked.Line)
			return e
		}
	}
	if deciding == nil {
		return &UnknownHostError{Host: a.hop.name, Address: a.hop.address, Type: key.Type(),
			Fingerprint: ssh.FingerprintSHA256(key), Jump: a.hop.jump}
	}
	err := deciding.HostKeyCallback()(a.hop.pin, from, key)
	if err == nil {
		return nil
	}
	e := a.changed(key)
	if _, ok := key.(*ssh.Certificate); ok {
		e.Revoked, e.Detail = true, "its certificate does not hold: "+err.Error()
	}
	return e
}

// changed describes a key that is not the pinned one; nil stands for no key.
func (a *attempt) changed(key ssh.PublicKey) *ChangedHostKeyError {
	e := &ChangedHostKeyError{Host: a.hop.name, Address: a.hop.address, Known: a.known}
	if key != nil {
		e.Type, e.Fingerprint = key.Type(), ssh.FingerprintSHA256(key)
	}
	return e
}

// missingKey recognises a host that has no key of a pinned type any more.
func (a *attempt) missingKey(err error) error {
	var none *ssh.AlgorithmNegotiationError
	if len(a.known) > 0 && errors.As(err, &none) && strings.Contains(err.Error(), "host key") {
		return a.changed(nil)
	}
	return nil
}
