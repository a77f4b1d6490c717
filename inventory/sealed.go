package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"eucactl/ordered"
)

// vaultHeader is how every text of ansible-vault begins.
const vaultHeader = "$ANSIBLE_VAULT;"

// Unsafe is a word that is no template whatever it looks like: one tagged !unsafe.
type Unsafe string

// MarshalJSON writes it as ansible-inventory does.
func (u Unsafe) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"__ansible_unsafe": string(u)})
}

// Sealed is a word that ansible-vault encrypted: one tagged !vault. It is opened
// when it is needed and not before, so that who has no password can still use
// what is not secret. It prints as the ciphertext.
type Sealed struct {
	Where      Position
	Ciphertext string

	open func() ([]byte, error)
}

var errNoVaultPassword = errors.New("no vault password was given")

func newSealed(text string, at Position, decrypt func([]byte) ([]byte, error)) (*Sealed, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), vaultHeader) {
		return nil, fmt.Errorf("a value tagged !vault begins with %s1.1 or %s1.2, as ansible-vault encrypt_string writes it", vaultHeader, vaultHeader)
	}
	s := &Sealed{Where: at, Ciphertext: text}
	s.open = sync.OnceValues(func() ([]byte, error) { return unseal([]byte(strings.TrimSpace(text)+"\n"), decrypt) })
	return s, nil
}

// Reveal decrypts the word. The error names the place where it is written.
func (s *Sealed) Reveal() (string, error) {
	plain, err := s.open()
	if err != nil {
		return "", fmt.Errorf("%s: this value is encrypted: %w", s.Where, err)
	}
	return string(plain), nil
}

// MarshalJSON writes it as ansible-inventory does: still encrypted.
func (s *Sealed) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"__ansible_vault": s.Ciphertext})
}

func (s *Sealed) String() string { return s.Ciphertext }

func unseal(ciphertext []byte, decrypt func([]byte) ([]byte, error)) ([]byte, error) {
	if decrypt == nil {
		return nil, errNoVaultPassword
	}
	return decrypt(ciphertext)
}

func isSealed(data []byte) bool { return bytes.HasPrefix(data, []byte(vaultHeader)) }

// Reveal gives a value with all that is sealed in it decrypted. A value without
// anything sealed is given back as it is, uncopied.
func Reveal(v any) (any, error) {
	if !holdsSealed(v) {
		return v, nil
	}
	if sealed, ok := v.(*Sealed); ok {
		return sealed.Reveal()
	}
	return ordered.Apply(v, Reveal)
}

func holdsSealed(v any) bool {
	_, sealed := v.(*Sealed)
	return sealed || ordered.Has(v, holdsSealed)
}
