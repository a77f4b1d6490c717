package templates

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"unicode/utf8"

	"eucactl/jinja"
)

// hashFilters are sums and encodings. They name things; only password_hash keeps
// anything secret.
func hashFilters() map[string]jinja.Filter {
	return map[string]jinja.Filter{
		"b64decode": jinja.F("encoding", func(c *jinja.Call) (any, error) { return b64decode(c) }),
		"b64encode": jinja.F("encoding", func(c *jinja.Call) (any, error) {
			if err := utf8Only(c); err != nil {
				return nil, err
			}
			return base64.StdEncoding.EncodeToString([]byte(c.InText())), nil
		}),
		"checksum": onText(func(s string) string { return sum(sha1.New(), s) }),
		"hash":     jinja.F("hashtype", hashed),
		"md5":      onText(func(s string) string { return sum(md5.New(), s) }),
		"sha1":     onText(func(s string) string { return sum(sha1.New(), s) }),
		"to_uuid":  jinja.F("namespace", toUUID),
	}
}

func utf8Only(c *jinja.Call) error {
	if e := strings.ToLower(c.Text(0, "utf-8")); e != "utf-8" && e != "utf8" && e != "ascii" {
		return fmt.Errorf("no encoding %s: text is utf-8", shown(e))
	}
	return nil
}

func b64decode(c *jinja.Call) (any, error) {
	if err := utf8Only(c); err != nil {
		return nil, err
	}
	text := strings.Map(func(r rune) rune {
		if isAlnum(byte(min(r, utf8.RuneSelf))) || strings.ContainsRune("+/=", r) {
			return r
		}
		return -1
	}, c.InText())
	data, err := base64.StdEncoding.DecodeString(text)
	return string(data), err
}

func sum(h hash.Hash, s string) string {
	h.Write([]byte(s))
	return hex.EncodeToString(h.Sum(nil))
}

func hashed(c *jinja.Call) (any, error) {
	hashes := map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New,
		"sha384": sha512.New384, "sha512": sha512.New}
	kind := c.Text(0, "sha1")
	h, ok := hashes[kind]
	if !ok {
		return nil, fmt.Errorf("no hash %s: it is md5, sha1, sha224, sha256, sha384 or sha512", shown(kind))
	}
	return sum(h(), c.InText()), nil
}

// ansibleNamespace is the name space in which Ansible names things by UUIDs.
const ansibleNamespace = "361E6D51-FAEC-444A-9079-341386DA8E2E"

func toUUID(c *jinja.Call) (any, error) {
	space, err := hex.DecodeString(strings.ReplaceAll(c.Text(0, ansibleNamespace), "-", ""))
	if err != nil || len(space) != 16 {
		return nil, fmt.Errorf("%s is no UUID", shown(c.Text(0, "")))
	}
	h := sha1.Sum(append(space, c.InText()...))
	u := h[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:]), nil
}
