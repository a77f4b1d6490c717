package lab

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// Key is the controller's private key, which logs in to every host as root and as ops.
func (l *Lab) Key() string { return filepath.Join(l.Dir, "id_ed25519") }

// KnownHosts is a known_hosts file with the host key of every host of the lab.
func (l *Lab) KnownHosts() string { return filepath.Join(l.Dir, "known_hosts") }

// SSHConfig is an OpenSSH client configuration: lab exec . ssh -F FILE HOST.
func (l *Lab) SSHConfig() string { return filepath.Join(l.Dir, "ssh_config") }

// newKey makes an ed25519 pair in OpenSSH's own formats.
func newKey(comment string) (private, public []byte, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	block, err := ssh.MarshalPrivateKey(priv, comment)
	if err != nil {
		return nil, nil, err
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, nil, err
	}
	line := bytes.TrimSuffix(ssh.MarshalAuthorizedKey(key), []byte("\n"))
	return pem.EncodeToMemory(block), fmt.Appendf(line, " %s\n", comment), nil
}

// writeKeys makes the controller's pair, once.
func (l *Lab) writeKeys() error {
	if _, err := os.Stat(l.Key() + ".pub"); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	private, public, err := newKey("controller@" + l.Name)
	if err != nil {
		return err
	}
	if err := replaceFile(l.Key(), private, 0o600); err != nil {
		return err
	}
	return replaceFile(l.Key()+".pub", public, 0o644)
}

// writeKnownHosts collects the public host keys from the hosts' disks.
func (l *Lab) writeKnownHosts() error {
	var known, config bytes.Buffer
	for _, h := range l.hosts {
		key, err := os.ReadFile(filepath.Join(l.Upper(h.Name), "etc/ssh/ssh_host_ed25519_key.pub"))
		if err != nil {
			return err
		}
		fmt.Fprintf(&known, "%s,%s %s", h.Name, h.Addr(), key)
		fmt.Fprintf(&config, "Host %s\n  HostName %s\n", h.Name, h.Addr())
	}
	fmt.Fprintf(&config, "Host *\n  User root\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n", l.Key(), l.KnownHosts())
	if err := replaceFile(l.KnownHosts(), known.Bytes(), 0o644); err != nil {
		return err
	}
	return replaceFile(l.SSHConfig(), config.Bytes(), 0o644)
}
