package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"eucactl/vault"
)

// vaultFlags say where the passwords of vaults are.
type vaultFlags struct{ files, ids []string }

func (v *vaultFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&v.files, "vault-password-file", nil, "file with a password of ansible-vault (default: $ANSIBLE_VAULT_PASSWORD_FILE); may be repeated")
	f.StringArrayVar(&v.ids, "vault-id", nil, "such a file with the id of its vaults, as ID@FILE; may be repeated")
}

// passwords reads them.
func (v *vaultFlags) passwords(getenv func(string) string) (all []vault.Password, err error) {
	files := v.files
	if file := getenv("ANSIBLE_VAULT_PASSWORD_FILE"); file != "" && len(files)+len(v.ids) == 0 {
		files = []string{file}
	}
	for _, path := range files {
		text, err := passwordIn(path)
		if err != nil {
			return nil, err
		}
		all = append(all, vault.Password{ID: vault.DefaultID, Text: text})
	}
	for _, word := range v.ids {
		id, path, found := strings.Cut(word, "@")
		if !found {
			id, path = vault.DefaultID, word
		}
		text, err := passwordIn(path)
		if err != nil {
			return nil, err
		}
		all = append(all, vault.Password{ID: id, Text: text})
	}
	return all, nil
}

// decrypt is what opens vaults with these passwords; nil without any.
func (v *vaultFlags) decrypt(getenv func(string) string) (func([]byte) ([]byte, error), error) {
	passwords, err := v.passwords(getenv)
	if err != nil || len(passwords) == 0 {
		return nil, err
	}
	return func(ciphertext []byte) ([]byte, error) { return vault.Decrypt(ciphertext, passwords...) }, nil
}

// passwordIn reads a password from a file: all of it but the blanks around. A
// program, which Ansible would run, is refused: its output can be given as a file.
func passwordIn(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("vault password: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
		return "", fmt.Errorf("vault password: %s is executable, and programs are not run for passwords: give what it prints, as <(%s)", path, path)
	}
	data, err := io.ReadAll(io.LimitReader(f, 1<<16))
	if err != nil {
		return "", fmt.Errorf("vault password: %w", err)
	}
	text := strings.TrimSpace(string(data))
	if text == "" {
		return "", fmt.Errorf("vault password: %s is empty", path)
	}
	return text, nil
}
