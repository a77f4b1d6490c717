package remote

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// credentials are the keys to offer to one hop, and a word about each for the
// operator. No key material is ever in the words.
type credentials struct {
	signers []ssh.Signer
	tried   []string
	agent   net.Conn
}

func (c *credentials) close() {
	if c.agent != nil {
		_ = c.agent.Close()
	}
}

func (c *credentials) methods() []ssh.AuthMethod {
	if len(c.signers) == 0 {
		return nil
	}
	return []ssh.AuthMethod{ssh.PublicKeys(c.signers...)}
}

// credentials collects the keys for a hop: named files first, because sshd
// stops listening after a few (MaxAuthTries) and an agent may hold many.
func (d *Dialer) credentials(h hop) *credentials {
	c := &credentials{}
	var wanted []ssh.PublicKey // public halves of files whose private half needs a passphrase
	for _, file := range h.keyFiles {
		if pub := c.addFile(file, h.defaults); pub != nil {
			wanted = append(wanted, pub)
		}
	}
	if h.agent != "" {
		c.addAgent(h, wanted, 2*h.timeout)
	}
	return c
}

// addFile offers a key file. When the private key cannot be used, the agent may
// hold it, so its public half is returned.
func (c *credentials) addFile(file string, optional bool) ssh.PublicKey {
	text, err := os.ReadFile(file)
	if err != nil {
		if !optional || !errors.Is(err, fs.ErrNotExist) {
			c.tried = append(c.tried, file+" (unreadable: "+cause(err)+")")
		}
		return publicHalf(file)
	}
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		c.add(signer, file)
		return signer.PublicKey()
	case errors.As(err, &locked):
		c.tried = append(c.tried, file+" (needs a passphrase: ssh-add it to an agent)")
		if locked.PublicKey != nil {
			return locked.PublicKey
		}
		return publicHalf(file)
	}
	if pub, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		return pub // a public key names one of the agent's
	}
	c.tried = append(c.tried, file+" (not a private key)")
	return nil
}

func publicHalf(file string) ssh.PublicKey {
	text, err := os.ReadFile(file + ".pub")
	if err != nil {
		return nil
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil
	}
	return pub
}

func (c *credentials) add(s ssh.Signer, from string) {
	if contains(c.publicKeys(), s.PublicKey()) {
		return
	}
	c.signers = append(c.signers, s)
	c.tried = append(c.tried, from+" ("+ssh.FingerprintSHA256(s.PublicKey())+")")
}

func (c *credentials) publicKeys() []ssh.PublicKey {
	var keys []ssh.PublicKey
	for _, s := range c.signers {
		keys = append(keys, s.PublicKey())
	}
	return keys
}

// addAgent offers the agent's keys, those the files name first, and only those
// with IdentitiesOnly.
func (c *credentials) addAgent(h hop, wanted []ssh.PublicKey, patience time.Duration) {
	conn, err := net.DialTimeout("unix", h.agent, time.Second)
	if err != nil {
		c.tried = append(c.tried, "agent (unusable: "+cause(err)+")")
		return
	}
	c.agent = conn
	_ = conn.SetDeadline(time.Now().Add(patience))
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		c.tried = append(c.tried, "agent (unusable: "+cause(err)+")")
		return
	}
	for _, named := range []bool{true, false} {
		for _, s := range signers {
			if contains(wanted, s.PublicKey()) == named && (named || !h.onlyFiles) {
				c.add(s, "agent")
			}
		}
	}
}

func contains(keys []ssh.PublicKey, key ssh.PublicKey) bool {
	for _, k := range keys {
		if bytes.Equal(k.Marshal(), key.Marshal()) {
			return true
		}
	}
	return false
}

// cause drops the operation and the path that the sentence already names.
func cause(err error) string {
	for e := err; e != nil; e = errors.Unwrap(e) {
		err = e
	}
	return err.Error()
}
