// Package vault reads and writes what ansible-vault encrypts (formats 1.1 and 1.2,
// AES256). It asks nobody for passwords and reads no files.
package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Header is how every vault begins.
const Header = "$ANSIBLE_VAULT;"

// What the format fixes.
const (
	rounds     = 10000
	keyLength  = 32
	saltLength = 32
	lineLength = 80
	mostData   = 64 << 20
)

// DefaultID is the id of passwords and vaults that name none.
const DefaultID = "default"

// A Password opens vaults. Its ID is a hint: those of the vault's own id are tried
// first, then all others.
type Password struct {
	ID   string
	Text string
}

// String hides the password.
func (p Password) String() string { return p.ID + ":***" }

var idWord = regexp.MustCompile(`^[A-Za-z0-9_.@-]+$`)

// errWrong is a vault that a password does not open.
var errWrong = errors.New("the password is wrong, or the vault was changed")

// Is tells whether data is a vault.
func Is(data []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte(Header)) }

// Decrypt opens a vault with whichever of the passwords fits.
func Decrypt(data []byte, passwords ...Password) ([]byte, error) {
	id, body, err := parse(data)
	if err != nil {
		return nil, err
	}
	if len(passwords) == 0 {
		return nil, errors.New("no vault password was given")
	}
	for _, own := range []bool{true, false} {
		for _, p := range passwords {
			if (p.ID == id) != own {
				continue
			}
			if plain, err := body.open(p.Text); err == nil {
				return plain, nil
			}
		}
	}
	return nil, fmt.Errorf("vault id %s: %w", id, errWrong)
}

// Encrypt makes a vault; an id other than DefaultID is written into it.
func Encrypt(plain []byte, p Password, random io.Reader) ([]byte, error) {
	header := Header + "1.1;AES256"
	if p.ID != "" && p.ID != DefaultID {
		if !idWord.MatchString(p.ID) {
			return nil, fmt.Errorf("vault id %q is no plain word", p.ID)
		}
		header = Header + "1.2;AES256;" + p.ID
	}
	if p.Text == "" {
		return nil, errors.New("the vault password is empty")
	}
	v := sealed{salt: make([]byte, saltLength)}
	if _, err := io.ReadFull(random, v.salt); err != nil {
		return nil, fmt.Errorf("random numbers: %w", err)
	}
	k, err := derive(p.Text, v.salt)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	padded := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	v.text = k.stream(padded)
	v.sum = k.mac(v.text)
	return []byte(header + "\n" + v.lines()), nil
}

// sealed is a vault's body.
type sealed struct{ salt, sum, text []byte }

// lines is the body as it is written: hex of hex, in short lines.
func (v sealed) lines() string {
	inner := hex.EncodeToString(v.salt) + "\n" + hex.EncodeToString(v.sum) + "\n" + hex.EncodeToString(v.text)
	outer := hex.EncodeToString([]byte(inner))
	var b strings.Builder
	for len(outer) > 0 {
		n := min(lineLength, len(outer))
		b.WriteString(outer[:n] + "\n")
		outer = outer[n:]
	}
	return b.String()
}

// parse reads a vault as far as that needs no password.
func parse(data []byte) (id string, v sealed, err error) {
	if len(data) > mostData {
		return "", v, fmt.Errorf("a vault of more than %d MiB", mostData>>20)
	}
	header, body, _ := strings.Cut(strings.TrimLeft(string(data), " \t\r\n"), "\n")
	fields := strings.Split(strings.TrimSpace(header), ";")
	if fields[0]+";" != Header {
		return "", v, fmt.Errorf("not a vault: it does not begin with %s", Header)
	}
	id = DefaultID
	switch {
	case len(fields) == 3 && fields[1] == "1.1":
	case len(fields) == 4 && fields[1] == "1.2" && fields[3] != "":
		id = fields[3]
	default:
		return "", v, fmt.Errorf("a vault of a format that is not known: %.80q (1.1 and 1.2 are)", header)
	}
	if fields[2] != "AES256" {
		return "", v, fmt.Errorf("a vault with the cipher %.40q: only AES256 is known", fields[2])
	}
	inner, err := hex.DecodeString(strings.Join(strings.Fields(body), ""))
	if err != nil {
		return "", v, fmt.Errorf("the vault is mangled: %w", err)
	}
	parts := strings.Split(string(inner), "\n")
	if len(parts) != 3 {
		return "", v, fmt.Errorf("the vault is mangled: it has %d parts, not 3", len(parts))
	}
	for i, to := range []*[]byte{&v.salt, &v.sum, &v.text} {
		if *to, err = hex.DecodeString(parts[i]); err != nil {
			return "", v, fmt.Errorf("the vault is mangled: %w", err)
		}
	}
	return id, v, nil
}

// open decrypts the body.
func (v sealed) open(password string) ([]byte, error) {
	k, err := derive(password, v.salt)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(k.mac(v.text), v.sum) {
		return nil, errWrong
	}
	padded := k.stream(v.text)
	if len(padded) == 0 || len(padded)%aes.BlockSize != 0 {
		return nil, errWrong
	}
	pad := int(padded[len(padded)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, errWrong
	}
	return padded[:len(padded)-pad], nil
}

// keys are what a password and a salt give.
type keys struct {
	block cipher.Block
	seal  []byte
	start []byte
}

func derive(password string, salt []byte) (k keys, err error) {
	all, err := pbkdf2.Key(sha256.New, password, salt, rounds, 2*keyLength+aes.BlockSize)
	if err != nil {
		return k, fmt.Errorf("vault: %w", err)
	}
	k.seal, k.start = all[keyLength:2*keyLength], all[2*keyLength:]
	k.block, err = aes.NewCipher(all[:keyLength])
	return k, err
}

func (k keys) mac(text []byte) []byte {
	m := hmac.New(sha256.New, k.seal)
	m.Write(text)
	return m.Sum(nil)
}

// stream encrypts and decrypts: it is its own inverse.
func (k keys) stream(text []byte) []byte {
	out := make([]byte, len(text))
	cipher.NewCTR(k.block, k.start).XORKeyStream(out, text)
	return out
}
