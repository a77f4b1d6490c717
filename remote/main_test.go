package remote

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/skeema/knownhosts"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// key is a key pair in a file, as ssh-keygen would leave it.
type key struct {
	file   string
	signer ssh.Signer
	raw    ed25519.PrivateKey
}

func newKey(t *testing.T, dir, name string) key {
	t.Helper()
	_, raw, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	block := must(ssh.MarshalPrivateKey(raw, name))(t)
	k := key{file: filepath.Join(dir, name), raw: raw}
	k.signer = must(ssh.NewSignerFromKey(raw))(t)
	check(t, os.WriteFile(k.file, pem.EncodeToMemory(block), 0o600))
	check(t, os.WriteFile(k.file+".pub", k.authorized(), 0o600))
	return k
}

func newRSASigner(t *testing.T) ssh.Signer {
	t.Helper()
	return must(ssh.NewSignerFromKey(newRSA(t)))(t)
}

func newRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	return must(rsa.GenerateKey(rand.Reader, 2048))(t)
}

func (k key) authorized() []byte      { return ssh.MarshalAuthorizedKey(k.signer.PublicKey()) }
func (k key) public() ssh.PublicKey   { return k.signer.PublicKey() }
func (k key) fingerprint() string     { return ssh.FingerprintSHA256(k.public()) }
func (k key) line(addr string) string { return knownhosts.Line([]string{addr}, k.public()) + "\n" }

// newDialer knows the given hosts and nothing of the machine it runs on.
func newDialer(t *testing.T, lines ...string) *Dialer {
	t.Helper()
	d := &Dialer{KnownHosts: filepath.Join(t.TempDir(), "known_hosts"), User: "root", ConnectTimeout: 5 * time.Second}
	for _, l := range lines {
		appendFile(t, d.KnownHosts, l)
	}
	return d
}

func appendFile(t *testing.T, name, text string) {
	t.Helper()
	f := must(os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600))(t)
	must(f.WriteString(text))(t)
	check(t, f.Close())
}

func pemText(b *pem.Block) []byte { return pem.EncodeToMemory(b) }
