package inventory

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConnect(t *testing.T) {
	inv := opened(t, "hosts", `plain
full ansible_host=192.0.2.1 ansible_port=2222 ansible_user=deploy ansible_ssh_private_key_file=~/key ansible_become=yes ansible_become_user=app ansible_become_method=sudo ansible_timeout=30 ansible_become_flags='-H -S -n' ansible_become_password=secret
old ansible_ssh_host=192.0.2.2 ansible_ssh_port=22 ansible_ssh_user=u ansible_private_key_file=k ansible_host=ignored
here ansible_connection=local
fq ansible_connection=ansible.builtin.ssh ansible_become_method=ansible.builtin.sudo ansible_become=1
args ansible_ssh_common_args='-o StrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null -C -o "ControlPersist 60s"'
tmpl ansible_host="{{ inventory_hostname }}.example.com" ansible_become=true
`)
	type reach struct {
		Address      string
		Port         int
		User, Key    string
		Become       bool
		BecomeUser   string
		Connection   Connection
		PlainAddress string // before anything was rendered
	}
	for name, want := range map[string]reach{
		"plain": {"plain", 0, "", "", false, "root", SSH, "plain"},
		"full":  {"192.0.2.1", 2222, "deploy", "~/key", true, "app", SSH, "192.0.2.1"},
		"old":   {"192.0.2.2", 22, "u", "k", false, "root", SSH, "192.0.2.2"},
		"here":  {"here", 0, "", "", false, "root", Local, "here"},
		"fq":    {"fq", 0, "", "", true, "root", SSH, "fq"},
		"args":  {"args", 0, "", "", false, "root", SSH, "args"},
		"tmpl":  {"tmpl.example.com", 0, "", "", true, "root", SSH, "tmpl"},
	} {
		h, _ := inv.Host(name)
		vars := map[string]any{}
		for k, v := range h.Vars {
			if word, ok := v.(string); ok {
				v = strings.ReplaceAll(word, "{{ inventory_hostname }}", name)
			}
			vars[k] = v
		}
		got, err := h.Connect(vars)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if (got.Timeout == 30) != (name == "full") {
			t.Errorf("%s: timeout %d", name, got.Timeout)
		}
		if diff := cmp.Diff(want, reach{got.Address, got.Port, got.User, got.KeyFile, got.Become, got.BecomeUser, got.Connection, h.Address}); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Variables of a play count like those of the inventory; what cannot be honoured is
// told, with the place if the inventory says it.
func TestConnectErrors(t *testing.T) {
	inv := opened(t, "hosts", "h1 ansible_password=x\n")
	h, _ := inv.Host("h1")
	for name, tt := range map[string]struct {
		value any
		want  string
	}{
		"ansible_password":        {"x", "hosts:1: host h1: ansible_password is not supported; passwords do not belong"},
		"ansible_become_exe":      {"doas", "host h1: ansible_become_exe is not supported"},
		"ansible_port":            {"ssh", `host h1: ansible_port: "ssh" is a word where a number is needed`},
		"ansible_ssh_port":        {int64(70000), "70000 is not between 1 and 65535"},
		"ansible_host":            {"a b", `"a b" is not a host name`},
		"ansible_user":            {[]any{}, "this is a list where a word is needed"},
		"ansible_become":          {"perhaps", `"perhaps" is a word where true or false is needed`},
		"ansible_become_method":   {"su", `"su" is not supported; only sudo is`},
		"ansible_become_flags":    {"-H -E", `ansible_become_flags: "-E" is not supported; sudo -H -n is what is used`},
		"ansible_connection":      {"winrm", `"winrm" is not supported; a host is reached by ssh`},
		"ansible_shell_type":      {"powershell", "only sh is supported"},
		"ansible_ssh_common_args": {"-o ProxyCommand=nc", `"-o ProxyCommand=nc" is not supported here; put the options into ~/.ssh/config`},
		"ansible_ssh_args":        {"-J jump", `"-J" is not supported here`},
		"ansible_sudo":            {"yes", "ansible_sudo is an old name; write ansible_become"},
	} {
		if _, err := h.Connect(map[string]any{name: tt.value}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s=%v: %v, want %s", name, tt.value, err, tt.want)
		}
	}
	for _, none := range []any{nil, ""} {
		if _, err := h.Connect(map[string]any{"ansible_password": none, "ansible_port": none}); err != nil {
			t.Errorf("%v: %v", none, err)
		}
	}
}

// What is encrypted is opened when it is needed: without a password the rest works.
func TestVault(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"hosts":                    "[web]\nw1\n[db]\nd1\n",
		"group_vars/web/vault.yml": "$ANSIBLE_VAULT;1.1;AES256\n6162\n",
		"group_vars/web/plain.yml": "a: 1\n",
		"group_vars/db.yml":        "\nb: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6364\nc: {d: [1, !vault \"$ANSIBLE_VAULT;1.1;AES256\\n6566\"]}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	inv, err := Open(Sources{Paths: []string{"hosts"}})
	if err != nil {
		t.Fatal(err)
	}
	w1, _ := inv.Host("w1")
	d1, _ := inv.Host("d1")
	const file = "group_vars/web/vault.yml:1: this file is encrypted: no vault password was given"
	if err := w1.Locked(); err == nil || err.Error() != file || w1.Vars["a"] != int64(1) || d1.Locked() != nil {
		t.Error(err, w1.Vars, d1.Locked())
	}
	if _, err := Reveal(d1.Vars["b"]); err == nil || err.Error() != "group_vars/db.yml:2: this value is encrypted: no vault password was given" {
		t.Error(err)
	}
	if v, err := Reveal(w1.Vars); err != nil || !cmp.Equal(v, any(w1.Vars)) {
		t.Error(v, err)
	}

	wrong := errors.New("the password is wrong")
	plain := map[string]string{"6162": "s: shadow\nn: {m: [deep, 12345678]}\n", "6364": "word\n"}
	inv, err = Open(Sources{Paths: []string{"hosts"}, Decrypt: func(c []byte) ([]byte, error) {
		for digits, text := range plain {
			if string(c) == "$ANSIBLE_VAULT;1.1;AES256\n"+digits+"\n" {
				return []byte(text), nil
			}
		}
		return nil, wrong
	}})
	if err != nil {
		t.Fatal(err)
	}
	w1, _ = inv.Host("w1")
	d1, _ = inv.Host("d1")
	if w1.Vars["s"] != "shadow" || w1.Locked() != nil {
		t.Error(w1.Vars, w1.Locked())
	}
	if at, ok := w1.WhereVar("n"); !ok || at.String() != "group_vars/web/vault.yml:2" {
		t.Error(at)
	}
	if diff := cmp.Diff([]string{"shadow", "deep", "12345678"}, inv.Secrets()); diff != "" {
		t.Error(diff)
	}
	if v, err := Reveal(d1.Vars["b"]); err != nil || v != "word\n" {
		t.Error(v, err)
	}
	if _, err := Reveal(d1.Vars["c"]); !errors.Is(err, wrong) || !strings.HasPrefix(err.Error(), "group_vars/db.yml:5: ") {
		t.Error(err)
	}
}
