package templates

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"eucactl/jinja"
)

// crypt64 are the 64 digits of crypt(3).
const crypt64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Bounds on the rounds of a hash: the greater is a matter of seconds.
const (
	defaultRounds = 5000
	minRounds     = 1000
	maxRounds     = 2000000
)

// passwordHash is crypt(3)'s sha512, sha256 or md5 of a password.
func (s *Set) passwordHash(c *jinja.Call) (any, error) {
	kind := strings.TrimSuffix(c.Text(0, "sha512"), "_crypt")
	size := map[string]int{"sha512": 16, "sha256": 16, "md5": 8}[kind]
	if size == 0 {
		return nil, fmt.Errorf("no hash %s: it is sha512, sha256 or md5", shown(kind))
	}
	var salt string
	if c.Arg(1, nil) != nil {
		salt = c.Text(1, "")
	} else {
		if c.Arg(2, nil) != nil {
			size = max(1, min(size, c.Int(2, size)))
		}
		var err error
		if salt, err = s.salt(size); err != nil {
			return nil, err
		}
	}
	if len(salt) > size || salt == "" || !only(salt, "./") {
		return nil, fmt.Errorf("a salt for %s is 1 to %d letters, digits, dots or slashes", kind, size)
	}
	rounds := 0
	if c.Arg(3, nil) != nil {
		if rounds = c.Int(3, defaultRounds); rounds < minRounds || rounds > maxRounds {
			return nil, fmt.Errorf("rounds are %d to %d", minRounds, maxRounds)
		}
	}
	password := []byte(c.InText())
	if len(password) > 256 || bytes.IndexByte(password, 0) >= 0 {
		return nil, errors.New("a password is at most 256 bytes, none of them NUL")
	}
	if err := c.Spend(1 << 16); err != nil {
		return nil, err
	}
	switch kind {
	case "md5":
		return md5Crypt(password, salt), nil
	case "sha256":
		return shaCrypt("5", sha256.New, sha256Order, password, salt, rounds), nil
	}
	return shaCrypt("6", sha512.New, sha512Order, password, salt, rounds), nil
}

// salt draws one.
func (s *Set) salt(n int) (string, error) {
	if s.options.Random == nil {
		return "", errors.New("give a salt: nothing random is at hand here")
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(s.options.Random, raw); err != nil {
		return "", fmt.Errorf("drawing a salt: %w", err)
	}
	for i := range raw {
		raw[i] = crypt64[raw[i]&63]
	}
	return string(raw), nil
}

// The order in which the bytes of a sum are written, three at a time.
var (
	sha256Order = []int{0, 10, 20, 21, 1, 11, 12, 22, 2, 3, 13, 23, 24, 4, 14, 15, 25, 5, 6, 16, 26, 27, 7, 17, 18, 28, 8, 9, 19, 29, -1, 31, 30}
	sha512Order = []int{0, 21, 42, 22, 43, 1, 44, 2, 23, 3, 24, 45, 25, 46, 4, 47, 5, 26, 6, 27, 48, 28, 49, 7, 50, 8, 29, 9, 30, 51, 31, 52, 10,
		53, 11, 32, 12, 33, 54, 34, 55, 13, 56, 14, 35, 15, 36, 57, 37, 58, 16, 59, 17, 38, 18, 39, 60, 40, 61, 19, 62, 20, 41, -1, -1, 63}
	md5Order = []int{0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5, -1, -1, 11}
)

// written is a sum in crypt's digits; -1 stands for no byte.
func written(sum []byte, order []int) string {
	var b strings.Builder
	for i := 0; i < len(order); i += 3 {
		n, digits := 0, 1
		for _, at := range order[i : i+3] {
			n <<= 8
			if at >= 0 {
				n |= int(sum[at])
				digits++
			}
		}
		for range digits {
			b.WriteByte(crypt64[n&63])
			n >>= 6
		}
	}
	return b.String()
}

// shaCrypt follows Drepper's description of SHA-crypt, step by step.
func shaCrypt(id string, newHash func() hash.Hash, order []int, password []byte, salt string, rounds int) string {
	h := newHash()
	digest := func(parts ...[]byte) []byte {
		h.Reset()
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	b := digest(password, []byte(salt), password)
	start := [][]byte{password, []byte(salt), repeated(b, len(password))}
	for n := len(password); n > 0; n >>= 1 {
		if n&1 != 0 {
			start = append(start, b)
		} else {
			start = append(start, password)
		}
	}
	a := digest(start...)
	p := repeated(digest(bytes.Repeat(password, len(password))), len(password))
	s := repeated(digest(bytes.Repeat([]byte(salt), 16+int(a[0]))), len(salt))
	text := "$" + id + "$"
	if rounds == 0 {
		rounds = defaultRounds
	} else {
		text += fmt.Sprintf("rounds=%d$", rounds)
	}
	for i := range rounds {
		parts := [][]byte{a}
		if i&1 != 0 {
			parts[0] = p
		}
		if i%3 != 0 {
			parts = append(parts, s)
		}
		if i%7 != 0 {
			parts = append(parts, p)
		}
		if i&1 != 0 {
			parts = append(parts, a)
		} else {
			parts = append(parts, p)
		}
		a = digest(parts...)
	}
	return text + salt + "$" + written(a, order)
}

// repeated is n bytes of b, over and over.
func repeated(b []byte, n int) []byte {
	return bytes.Repeat(b, n/len(b)+1)[:n]
}

// md5Crypt is the hash of the oldest of the three.
func md5Crypt(password []byte, salt string) string {
	digest := func(parts ...[]byte) []byte {
		h := md5.New()
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	b := digest(password, []byte(salt), password)
	start := [][]byte{password, []byte("$1$"), []byte(salt), repeated(b, len(password))}
	for n := len(password); n > 0; n >>= 1 {
		if n&1 != 0 {
			start = append(start, []byte{0})
		} else {
			start = append(start, password[:1])
		}
	}
	a := digest(start...)
	for i := range 1000 {
		first, last := a, password
		if i&1 != 0 {
			first, last = password, a
		}
		parts := [][]byte{first}
		if i%3 != 0 {
			parts = append(parts, []byte(salt))
		}
		if i%7 != 0 {
			parts = append(parts, password)
		}
		a = digest(append(parts, last)...)
	}
	return "$1$" + salt + "$" + written(a, md5Order)
}
