package remote

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

func dialed(t *testing.T, d *Dialer, target Target) error {
	t.Helper()
	c, err := d.Dial(soon(t), target)
	if err == nil {
		check(t, c.Close())
	}
	return err
}

func TestUnknownHost(t *testing.T) {
	s := startSSHD(t, "")
	other := newKey(t, t.TempDir(), "other")
	for name, d := range map[string]*Dialer{"no file": newDialer(t), "other hosts": newDialer(t, other.line("elsewhere"))} {
		err := dialed(t, d, s.target())
		var e *UnknownHostError
		if !errors.As(err, &e) || e.Fingerprint != s.host.fingerprint() || e.Type != "ssh-ed25519" {
			t.Fatalf("%s: got %v", name, err)
		}
		want := "host key of fe1 (" + s.addr + ") is not known; enrol it with: eucactl hosts scan fe1"
		if err.Error() != want {
			t.Fatalf("%s: %s\nwant %s", name, err, want)
		}
	}
	if strings.Contains(s.logged(), "Accepted") || strings.Contains(s.logged(), "publickey") {
		t.Fatalf("it authenticated to a host it does not know: %s", s.logged())
	}
}

func TestChangedKey(t *testing.T) {
	s := startSSHD(t, "")
	old := newKey(t, t.TempDir(), "old")
	d := newDialer(t, "# pinned\n", old.line(s.addr))
	err := dialed(t, d, s.target())
	var e *ChangedHostKeyError
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{old.fingerprint(), s.host.fingerprint(), d.KnownHosts + ":2", "eucactl hosts scan --replace fe1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

// The pinned kind of key is gone: that is a change too, not a broken handshake.
func TestChangedKeyType(t *testing.T) {
	s := startServer(t, func(s *server) { s.signers = []ssh.Signer{newRSASigner(t)} })
	err := dialed(t, newDialer(t, s.host.line(s.addr)), s.target())
	var e *ChangedHostKeyError
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "offered no key of that type") {
		t.Fatalf("got %v", err)
	}
}

// Our file pins RSA only, although the server would rather show ed25519.
func TestPinnedAlgorithmIsAskedFor(t *testing.T) {
	rsa := newRSASigner(t)
	s := startServer(t, func(s *server) { s.signers = append(s.signers, rsa) })
	check(t, dialed(t, newDialer(t, knownhosts.Line([]string{s.addr}, rsa.PublicKey())+"\n"), s.target()))
}

func TestWhichFileDecides(t *testing.T) {
	s := startServer(t, nil)
	stale := newKey(t, t.TempDir(), "stale")
	right, wrong := s.host.line(s.addr), stale.line(s.addr)
	hashed := xknownhosts.HashHostname(knownhosts.Normalize(s.addr)) + " " + string(s.host.authorized())
	for _, tc := range []struct {
		name       string
		ours, more string
		want       string
	}{
		{"more knows", "", right, ""},
		{"hashed", "", hashed, ""},
		{"ours decides for", right, wrong, ""},
		{"ours decides against", wrong, right, "changed"},
		{"revoked anywhere", right, "@revoked " + right, "marks it @revoked"},
		{"broken line", "", "fe1 ssh-ed25519 nonsense\n", "more:1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			more := filepath.Join(t.TempDir(), "more")
			check(t, os.WriteFile(more, []byte(tc.more), 0o600))
			d := newDialer(t, tc.ours)
			d.MoreKnownHosts = []string{more, "/nonexistent/known_hosts"}
			err := dialed(t, d, s.target())
			if tc.want == "" {
				check(t, err)
			} else if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// certified makes a host certificate.
func certified(t *testing.T, ca, host key, principal string, until time.Time) ssh.Signer {
	t.Helper()
	cert := &ssh.Certificate{Key: host.public(), CertType: ssh.HostCert, ValidPrincipals: []string{principal}, ValidBefore: uint64(until.Unix())}
	check(t, cert.SignCert(rand.Reader, ca.signer))
	return must(ssh.NewCertSigner(cert, host.signer))(t)
}

func TestCertAuthority(t *testing.T) {
	ca := newKey(t, t.TempDir(), "ca")
	line := "@cert-authority 127.0.0.* " + string(ca.authorized())
	for _, tc := range []struct {
		name, principal string
		until           time.Duration
		want            string
	}{
		{"good", "127.0.0.1", time.Hour, ""},
		{"expired", "127.0.0.1", -time.Hour, "certificate does not hold"},
		{"another's", "10.0.0.1", time.Hour, "certificate does not hold"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, func(s *server) {
				s.signers = append(s.signers, certified(t, ca, s.host, tc.principal, time.Now().Add(tc.until)))
			})
			err := dialed(t, newDialer(t, line), s.target())
			if tc.want == "" {
				check(t, err)
			} else if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestScanEnrolDial(t *testing.T) {
	dir := t.TempDir()
	extra := filepath.Join(dir, "rsa")
	rsa := newRSAFile(t, extra)
	s := startSSHD(t, "HostKey "+extra)
	d := newDialer(t)
	d.KnownHosts = filepath.Join(dir, "state", "known_hosts")
	keys := must(d.Scan(soon(t), s.target()))(t)
	got := map[string]string{}
	for _, k := range keys {
		got[k.Type] = k.Fingerprint
		if k.Pinned || k.Instead != nil || k.Host != "fe1" || k.Address != s.addr {
			t.Fatalf("%+v", k)
		}
	}
	want := map[string]string{"ssh-ed25519": s.host.fingerprint(), "ssh-rsa": ssh.FingerprintSHA256(rsa.PublicKey())}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	check(t, d.Enrol(keys))
	check(t, d.Enrol(keys)) // twice is once
	text := must(os.ReadFile(d.KnownHosts))(t)
	if n := bytes.Count(text, []byte("\n")); n != 2 {
		t.Fatalf("%d lines: %s", n, text)
	}
	if m := must(os.Stat(d.KnownHosts))(t).Mode(); m != 0o600 {
		t.Fatalf("mode %v", m)
	}
	check(t, dialed(t, d, s.target()))
	for _, k := range must(d.Scan(soon(t), s.target()))(t) {
		if !k.Pinned {
			t.Fatalf("not seen as pinned: %+v", k)
		}
	}
	if strings.Contains(s.logged(), "Failed") {
		t.Fatalf("a scan tried to log in: %s", s.logged())
	}
}

func newRSAFile(t *testing.T, name string) ssh.Signer {
	t.Helper()
	raw := newRSA(t)
	check(t, os.WriteFile(name, pemText(must(ssh.MarshalPrivateKey(raw, ""))(t)), 0o600))
	return must(ssh.NewSignerFromKey(raw))(t)
}

func TestReplace(t *testing.T) {
	s := startServer(t, nil)
	dir := t.TempDir()
	old, other := newKey(t, dir, "old"), newKey(t, dir, "other")
	name := knownhosts.Normalize(s.addr)
	d := newDialer(t,
		"# kept\n",
		old.line(s.addr),
		other.line("10.0.0.9"),
		"10.0.0.8,"+name+" "+string(old.authorized()),
		xknownhosts.HashHostname(name)+" "+string(old.authorized()))
	keys := must(d.Scan(soon(t), s.target()))(t)
	if len(keys) != 1 || keys[0].Pinned || len(keys[0].Instead) != 3 {
		t.Fatalf("%+v", keys)
	}
	var changed *ChangedHostKeyError
	if err := d.Enrol(keys); !errors.As(err, &changed) {
		t.Fatalf("Enrol over another key: %v", err)
	}
	check(t, d.Replace(keys))
	want := "# kept\n" + other.line("10.0.0.9") + "10.0.0.8 " + string(old.authorized()) + s.host.line(s.addr)
	if diff := cmp.Diff(want, string(must(os.ReadFile(d.KnownHosts))(t))); diff != "" {
		t.Fatal(diff)
	}
	check(t, dialed(t, d, s.target()))

	d = newDialer(t, "[127.0.0.*]:* "+string(old.authorized()))
	appendFile(t, d.KnownHosts, "127.0.0.* "+string(old.authorized()))
	keys = must(d.Scan(soon(t), s.target()))(t)
	if err := d.Replace(keys); err == nil || !strings.Contains(err.Error(), "change this line by hand") {
		t.Fatalf("Replace of a pattern: %v", err)
	}
}

func TestEnrolAtOnce(t *testing.T) {
	d := newDialer(t)
	d.KnownHosts = filepath.Join(t.TempDir(), "known_hosts")
	k := newKey(t, t.TempDir(), "k")
	var all sync.WaitGroup
	for i := range 30 {
		address := string(rune('a'+i)) + ":22"
		all.Go(func() {
			if err := d.Enrol([]HostKey{{Address: address, Key: k.public()}}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := bytes.Count(must(os.ReadFile(d.KnownHosts))(t), []byte("\n")); n != 30 {
		t.Fatalf("%d lines", n)
	}
}

func TestScanOfNothing(t *testing.T) {
	var e *UnreachableError
	if _, err := newDialer(t).Scan(soon(t), Target{Name: "fe1", Address: "127.0.0.1", Port: freePort(t)}); !errors.As(err, &e) {
		t.Fatalf("closed port: %v", err)
	}
	if _, err := newDialer(t).Scan(soon(t), Target{Name: "here", Local: true}); err == nil {
		t.Fatal("local scan succeeded")
	}
}
