package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"eucactl/vault"
)

// vaultWork is what the commands about vaults share.
type vaultWork struct {
	*app
	passwords []vault.Password

	flags  vaultFlags
	id     string // of the password that encrypts
	output string
}

func (a *app) vaultCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "vault", Short: "Encrypt and decrypt files and values as ansible-vault does"}
	w := &vaultWork{app: a}
	w.flags.addTo(cmd.PersistentFlags())
	cmd.PersistentFlags().StringVar(&w.id, "encrypt-vault-id", "", "which of several passwords encrypts")
	add := func(use, short string, args cobra.PositionalArgs, do func([]string) error) *cobra.Command {
		c := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(_ *cobra.Command, args []string) error {
			if err := w.open(); err != nil {
				return err
			}
			return do(args)
		}}
		cmd.AddCommand(c)
		return c
	}
	many := cobra.MinimumNArgs(1)
	for _, c := range []*cobra.Command{
		add("encrypt FILE...", "Encrypt files in place; - is stdin to stdout", many, func(files []string) error { return w.each(files, w.seal) }),
		add("decrypt FILE...", "Decrypt files in place; - is stdin to stdout", many, func(files []string) error { return w.each(files, w.unseal) }),
	} {
		c.Flags().StringVar(&w.output, "output", "", "write there instead; - is stdout")
	}
	add("view FILE...", "Print what files hold", many, func(files []string) error {
		w.output = "-"
		return w.each(files, w.unseal)
	})
	add("edit FILE", "Edit what a file holds with $EDITOR", cobra.ExactArgs(1), func(files []string) error { return w.edit(files[0]) })
	var fresh string
	rekey := add("rekey FILE...", "Encrypt files with another password", many, func(files []string) error { return w.rekey(files, fresh) })
	rekey.Flags().StringVar(&fresh, "new-vault-password-file", "", "file with the new password; without it, it is asked for")
	var name string
	text := add("encrypt_string [TEXT]", "Encrypt a value, to be pasted into a file of variables; without TEXT it is read from stdin",
		cobra.MaximumNArgs(1), func(args []string) error { return w.sealString(args, name) })
	text.Flags().StringVarP(&name, "name", "n", "", "the variable's name")
	text.Flags().StringVar(&name, "stdin-name", "", "the same, of a value that is read from stdin")
	return cmd
}

// open reads the passwords, or asks for one.
func (w *vaultWork) open() (err error) {
	if w.passwords, err = w.flags.passwords(w.app); err != nil || len(w.passwords) > 0 {
		return err
	}
	text, err := w.secret("Vault password: ")
	w.passwords = []vault.Password{{ID: vault.DefaultID, Text: text}}
	return err
}

func (w *vaultWork) seal(data []byte) ([]byte, error) {
	if vault.Is(data) {
		return nil, errors.New("it is encrypted already")
	}
	for _, p := range w.passwords {
		if w.id == "" || p.ID == w.id {
			return vault.Encrypt(data, p, rand.Reader)
		}
	}
	return nil, fmt.Errorf("--encrypt-vault-id %s: no password has this id", w.id)
}

func (w *vaultWork) unseal(data []byte) ([]byte, error) { return vault.Decrypt(data, w.passwords...) }

// each changes files. All are tried before the first is written.
func (w *vaultWork) each(files []string, change func([]byte) ([]byte, error)) error {
	if w.output != "" && w.output != "-" && len(files) > 1 {
		return errors.New("--output takes one file")
	}
	var changed [][]byte
	for _, file := range files {
		data, err := w.readFile(file)
		if err != nil {
			return err
		}
		if data, err = change(data); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		changed = append(changed, data)
	}
	for i, file := range files {
		if w.output != "" {
			file = w.output
		}
		if err := w.writeFile(file, changed[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *vaultWork) readFile(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(w.in)
	}
	return os.ReadFile(file)
}

// writeFile replaces a file: whoever is interrupted keeps the old one.
func (w *vaultWork) writeFile(file string, data []byte) error {
	if file == "-" {
		_, err := w.out.Write(data)
		return err
	}
	mode := os.FileMode(0o600)
	if st, err := os.Stat(file); err == nil {
		mode = st.Mode().Perm()
	}
	next, err := os.CreateTemp(filepath.Dir(file), ".eucactl-vault-*")
	if err != nil {
		return err
	}
	_, err = next.Write(data)
	err = errors.Join(err, next.Chmod(mode), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	return nil
}

// edit lets the operator's editor have the text in a folder that nobody else reads.
func (w *vaultWork) edit(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	plain, err := w.unseal(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	dir, err := os.MkdirTemp("", "eucactl-vault-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, filepath.Base(file))
	if err := os.WriteFile(path, plain, 0o600); err != nil {
		return err
	}
	editor := w.getenv("EDITOR")
	if editor == "" {
		editor = "vi"
	}
	words := append(strings.Fields(editor), path)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = w.in, w.out, w.err
	if w, ok := w.out.(*written); ok {
		cmd.Stdout = w.Writer
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w; %s stays as it was", editor, err, file)
	}
	edited, err := os.ReadFile(path)
	if err != nil || bytes.Equal(edited, plain) {
		return err
	}
	if edited, err = w.seal(edited); err != nil {
		return err
	}
	return w.writeFile(file, edited)
}

func (w *vaultWork) rekey(files []string, fresh string) error {
	p := vault.Password{ID: vault.DefaultID}
	var err error
	if fresh != "" {
		p.Text, err = passwordIn("new password", fresh)
	} else {
		p.Text, err = w.secret("New vault password: ")
	}
	if err != nil {
		return fmt.Errorf("new vault password: %w", err)
	}
	return w.each(files, func(data []byte) ([]byte, error) {
		plain, err := w.unseal(data)
		if err != nil {
			return nil, err
		}
		return vault.Encrypt(plain, p, rand.Reader)
	})
}

// sealString prints a value as a file of variables has it.
func (w *vaultWork) sealString(args []string, name string) error {
	text := strings.Join(args, "")
	if len(args) == 0 {
		data, err := io.ReadAll(w.in)
		if err != nil {
			return err
		}
		text = string(data)
	}
	data, err := w.seal([]byte(text))
	if err != nil {
		return err
	}
	if name != "" {
		fmt.Fprintf(w.out, "%s: ", name)
	}
	fmt.Fprintf(w.out, "!vault |\n          %s\n", strings.ReplaceAll(strings.TrimSpace(string(data)), "\n", "\n          "))
	return nil
}
