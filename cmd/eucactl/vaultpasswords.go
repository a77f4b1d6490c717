package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"eucactl/vault"
)

// vaultFlags say where the passwords of vaults are.
type vaultFlags struct {
	files, ids []string
	ask        bool

	once sync.Once // nobody is asked twice
	all  []vault.Password
	err  error
}

func (v *vaultFlags) addTo(f *pflag.FlagSet) {
	f.StringArrayVar(&v.files, "vault-password-file", nil, "file with a password of ansible-vault (default: $ANSIBLE_VAULT_PASSWORD_FILE); may be repeated")
	f.StringArrayVar(&v.ids, "vault-id", nil, "such a file with the id of its vaults, as ID@FILE or ID@prompt; may be repeated")
	f.BoolVarP(&v.ask, "ask-vault-pass", "J", false, "ask for the password of vaults")
}

// passwords reads them, or asks for them.
func (v *vaultFlags) passwords(a *app) ([]vault.Password, error) {
	v.once.Do(func() { v.err = v.gather(a) })
	return v.all, v.err
}

func (v *vaultFlags) gather(a *app) error {
	files := v.files
	if file := a.getenv("ANSIBLE_VAULT_PASSWORD_FILE"); file != "" && len(files)+len(v.ids) == 0 && !v.ask {
		files = []string{file}
	}
	if v.ask {
		files = append(files, prompted)
	}
	for _, path := range files {
		if err := v.take(a, vault.DefaultID, path); err != nil {
			return err
		}
	}
	for _, word := range v.ids {
		id, path, found := strings.Cut(word, "@")
		if !found {
			id, path = vault.DefaultID, word
		}
		if err := v.take(a, id, path); err != nil {
			return err
		}
	}
	return nil
}

// prompted stands for a file where somebody is to be asked.
const prompted = "prompt"

func (v *vaultFlags) take(a *app, id, path string) (err error) {
	text := ""
	if path == prompted {
		text, err = a.secret("Vault password (" + id + "): ")
	} else {
		text, err = passwordIn("vault password", path)
	}
	v.all = append(v.all, vault.Password{ID: id, Text: text})
	return err
}

// decrypt is what opens vaults with these passwords; nil without any.
func (v *vaultFlags) decrypt(a *app) (func([]byte) ([]byte, error), error) {
	passwords, err := v.passwords(a)
	if err != nil || len(passwords) == 0 {
		return nil, err
	}
	return func(ciphertext []byte) ([]byte, error) { return vault.Decrypt(ciphertext, passwords...) }, nil
}

// passwordIn reads a password from a file: all of it but the blanks around. A
// program, which Ansible would run, is refused: its output can be given as a file.
func passwordIn(what, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
		return "", fmt.Errorf("%s: %s is executable, and programs are not run for passwords: give what it prints, as <(%s)", what, path, path)
	}
	data, err := io.ReadAll(io.LimitReader(f, 1<<16))
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	text := strings.TrimSpace(string(data))
	if text == "" {
		return "", fmt.Errorf("%s: %s is empty", what, path)
	}
	return text, nil
}
