package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"eucactl/cloud"
)

func (a *app) keyPairCommands() []*cobra.Command {
	return []*cobra.Command{a.createKeyPair(), a.importKeyPair(), a.deleteKeyPair(), a.describeKeyPairs()}
}

const keyBits = 2048

// newKeyPair makes a pair here: only its public half is sent anywhere.
func newKeyPair() (private, public string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return "", "", err
	}
	pub, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		return "", "", err
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return string(pem.EncodeToMemory(block)), string(ssh.MarshalAuthorizedKey(pub)), nil
}

// createdKey is the answer of create-keypair: the only time that the private key is
// to be had.
type createdKey struct {
	cloud.KeyPair
	Material string `json:"key_material"`
}

func (a *app) createKeyPair() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "create-keypair NAME",
		Short: "Make a key pair and print its private key, which is kept nowhere",
		Args:  cobra.ExactArgs(1),
	}
	c := a.changeFlags(cmd)
	cmd.Flags().StringVarP(&file, "file", "f", "", "write the private key to this new file (mode 0600) instead")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		private, public, err := newKeyPair()
		if err != nil {
			return err
		}
		if file != "" && !c.check {
			if err := writePrivate(file, private); err != nil {
				return err
			}
		}
		err = do(c, cmd, "ImportKeyPair", cloud.ImportKeyPair{Name: args[0], PublicKey: public}, outcome[cloud.KeyPair]{rows: keyPairRow, value: func(k cloud.KeyPair) any {
			if file != "" {
				return k
			}
			return createdKey{k, private}
		}})
		switch {
		case isRefusal(err) && file != "" && !c.check:
			return errors.Join(err, os.Remove(file)) // it is worth nothing
		case err != nil && file != "" && !c.check:
			return fmt.Errorf("%w (%s was written; see eucactl describe-keypairs whether it is of any worth)", err, file)
		case err == nil && file == "" && !c.check && a.format == "":
			_, err = fmt.Fprint(a.out, private)
		}
		return err
	}
	return cmd
}

func isRefusal(err error) bool {
	var refused *cloud.Error
	return errors.As(err, &refused)
}

// writePrivate never overwrites: a key file may be the only way into something.
func writePrivate(path, key string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(key); err != nil {
		return err
	}
	return f.Close()
}

func (a *app) importKeyPair() *cobra.Command {
	var file string
	cmd := &cobra.Command{Use: "import-keypair NAME -f FILE.pub", Short: "Register a public key of yours", Args: cobra.ExactArgs(1)}
	c := a.changeFlags(cmd)
	cmd.Flags().StringVarP(&file, "public-key-file", "f", "", "file with the public key")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("public key (-f): %w", err)
		}
		return do(c, cmd, "ImportKeyPair", cloud.ImportKeyPair{Name: args[0], PublicKey: string(text)}, outcome[cloud.KeyPair]{rows: keyPairRow})
	}
	return cmd
}

func keyPairRow(p *printer, k cloud.KeyPair) { p.row(k.Name, "KEYPAIR", k.Name, k.Fingerprint) }

func (a *app) deleteKeyPair() *cobra.Command {
	cmd := &cobra.Command{Use: "delete-keypair NAME", Short: "Forget a key pair; running instances keep it", Args: cobra.ExactArgs(1)}
	c := a.changeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return do(c, cmd, "DeleteKeyPair", cloud.DeleteKeyPair{Name: args[0]}, empty("KEYPAIR", args[0]))
	}
	return cmd
}

func (a *app) describeKeyPairs() *cobra.Command {
	return &cobra.Command{
		Use:     "describe-keypairs [NAME...]",
		Aliases: []string{"describe-keypair"},
		Short:   "List key pairs",
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(a, cmd, "DescribeKeyPairs", cloud.DescribeKeyPairs{Names: args}, func(p *printer, all cloud.KeyPairs) {
				for _, k := range all.KeyPairs {
					keyPairRow(p, k)
				}
			})
		},
	}
}
