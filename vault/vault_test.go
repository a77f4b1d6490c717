package vault

import (
	"bytes"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	for _, text := range []string{"", "x", strings.Repeat("16 bytes, just so", 100), "NUL \x00 and \xff"} {
		for _, id := range []string{"", "prod"} {
			data, err := Encrypt([]byte(text), Password{id, "it's secret"}, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			back, err := Decrypt(data, Password{"other", "no"}, Password{id, "it's secret"})
			if err != nil || string(back) != text {
				t.Errorf("%q: %q, %v", text, back, err)
			}
			if _, err := Decrypt(data, Password{id, "wrong"}); err == nil {
				t.Error("a wrong password opens it")
			}
		}
	}
}

// What ansible-vault writes is read here, and the other way round.
func TestSameAsAnsible(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	password := file("password", "pass word\n")
	ansible := func(stdin []byte, args ...string) []byte {
		cmd := exec.Command("ansible-vault", args...)
		cmd.Stdin = bytes.NewReader(stdin)
		var words bytes.Buffer
		cmd.Stderr = &words
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("ansible-vault %v: %v\n%s", args, err, words.String())
		}
		return out
	}
	theirs := ansible([]byte("words\n"), "encrypt", "--vault-id", "prod@"+password, "--output", "-", "-")
	if !bytes.Contains(theirs, []byte(";1.2;AES256;prod")) {
		t.Fatalf("%s", theirs)
	}
	if got, err := Decrypt(theirs, Password{"x", "pass word"}); err != nil || string(got) != "words\n" {
		t.Errorf("%q, %v", got, err)
	}
	ours, err := Encrypt([]byte("ours\n"), Password{DefaultID, "pass word"}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if got := ansible(ours, "decrypt", "--vault-password-file", password, "--output", "-", "-"); string(got) != "ours\n" {
		t.Errorf("%q", got)
	}
}

func TestMangled(t *testing.T) {
	good, err := Encrypt([]byte("text"), Password{"", "p"}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"no vault":       "hello",
		"format":         "$ANSIBLE_VAULT;1.0;AES256\n",
		"cipher":         "$ANSIBLE_VAULT;1.1;DES\n",
		"no hex":         "$ANSIBLE_VAULT;1.1;AES256\nxyz\n",
		"parts":          "$ANSIBLE_VAULT;1.1;AES256\n61\n",
		"cut in the mid": string(good[:len(good)/2]),
		"one digit":      strings.Replace(string(good), "3", "4", 1),
	} {
		if _, err := Decrypt([]byte(data), Password{"", "p"}); err == nil {
			t.Errorf("%s: it is opened", name)
		}
	}
}

func FuzzDecrypt(f *testing.F) {
	good, err := Encrypt([]byte("text"), Password{"", "p"}, rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("$ANSIBLE_VAULT;1.2;AES256;x\n6161\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if plain, err := Decrypt(data, Password{"", "p"}); err == nil && !bytes.Equal(plain, []byte("text")) {
			t.Errorf("a vault nobody made is opened: %q", plain)
		}
	})
}
