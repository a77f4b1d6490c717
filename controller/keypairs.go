package controller

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"eucactl/cloud"
)

var keyName = regexp.MustCompile(`^[A-Za-z0-9_.@ -]{1,255}$`)

// maxKey is what an RSA key of 16384 bits needs, and room: a seed disk must hold it.
const maxKey = 4 << 10

// importKeyPair keeps the key's algorithm and body; its comment becomes the name.
func importKeyPair(t *turn, req cloud.ImportKeyPair) (cloud.KeyPair, error) {
	if !keyName.MatchString(req.Name) {
		return cloud.KeyPair{}, cloud.Errorf("InvalidParameterValue", "key name %.64q: use 1 to 255 letters, digits, blanks and _ . @ -", req.Name)
	}
	if _, ok := t.KeyPair(t.user, req.Name); ok {
		return cloud.KeyPair{}, cloud.Errorf("InvalidKeyPair.Duplicate", "The keypair '%s' already exists.", req.Name)
	}
	pub, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(req.PublicKey))
	if err != nil || len(options) > 0 || strings.TrimSpace(string(rest)) != "" {
		return cloud.KeyPair{}, cloud.Errorf("InvalidKey.Format", "not one line of an SSH public key (\"ssh-ed25519 AAAA... comment\")")
	}
	if len(pub.Marshal()) > maxKey {
		return cloud.KeyPair{}, cloud.Errorf("InvalidKey.Format", "a public key of %d bytes: at most %d are possible", len(pub.Marshal()), maxKey)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub))) + " " + strings.ReplaceAll(req.Name, " ", "_")
	k := cloud.KeyPair{Owner: t.user, Name: req.Name, PublicKey: line, Fingerprint: ssh.FingerprintLegacyMD5(pub), Created: t.now}
	t.PutKeyPair(k)
	return k, nil
}

// deleteKeyPair is content if there is nothing to delete, as EC2 is.
func deleteKeyPair(t *turn, req cloud.DeleteKeyPair) (cloud.Empty, error) {
	t.DeleteKeyPair(t.user, req.Name)
	return cloud.Empty{}, nil
}

func describeKeyPairs(t *turn, req cloud.DescribeKeyPairs) (out cloud.KeyPairs, err error) {
	for _, name := range req.Names {
		if _, ok := t.KeyPair(t.user, name); !ok {
			return out, cloud.Errorf("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", name)
		}
	}
	for _, k := range t.KeyPairsOf(t.user) {
		if len(req.Names) == 0 || slices.Contains(req.Names, k.Name) {
			out.KeyPairs = append(out.KeyPairs, k)
		}
	}
	out.KeyPairs = orEmpty(out.KeyPairs)
	return out, nil
}
