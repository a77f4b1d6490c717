package controller

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"eucactl/cloud"
)

// files are what is in a bundle.
func (w *world) bundled(t *testing.T, d Door) map[string]string {
	t.Helper()
	var out bytes.Buffer
	if _, err := d.Bundle(context.Background(), Bundle{}, &out); err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(h.Name, "eucactl-support/")] = string(text)
	}
}

func TestBundleHasNoSecrets(t *testing.T) {
	w := newWorld(t, strings.Replace(twoNodes, "    cluster: one", `    cluster: one
    site_password: canary-1
    chap: {user: canary-2, numbers: [31337001]}
    list: [{token: canary-3}]
    harmless: value-4
    ansible_ssh_private_key_file: /root/key-5`, 1))
	data := "#cloud-config\npassword: canary-6\n"
	must[cloud.Reservation](w, "RunInstances", cloud.RunInstances{Image: w.image, Min: 1, Max: 1, UserData: []byte(data)})
	w.hosts["n1"].down = unreachable("n1")
	w.hosts["n2"].down = errors.New("its banner says canary-1 and password: canary-6")
	files := w.bundled(t, w.c)
	for name, text := range files {
		if strings.Contains(text, "canary") || strings.Contains(text, "31337001") {
			t.Errorf("%s: %s", name, text)
		}
	}
	for name, words := range map[string]string{
		"README.txt":                "fe1: answered\nn1: did not answer: ",
		"host/n1/unreachable.txt":   "no route to host",
		"host/n2/unreachable.txt":   "its banner says ***",
		"host/fe1/interfaces.txt":   "",
		"controller/inventory.json": `"harmless": "value-4"`,
		"controller/records.jsonl":  `"table":"instance"`,
		"controller/journal.jsonl":  "RunInstances",
		"controller/hosts.jsonl":    `"name":"n1"`,
	} {
		text, there := files[name]
		if !there || !strings.Contains(text, words) {
			t.Errorf("%s: %v %q", name, there, text)
		}
	}
	if !strings.Contains(files["controller/inventory.json"], "/root/key-5") {
		t.Error("the name of a key's file is no secret")
	}
	equal(t, "the same files again", slices.Sorted(maps.Keys(w.bundled(t, w.c))), slices.Sorted(maps.Keys(files)))
}

func TestMaskKnowsSecretsByTheirForm(t *testing.T) {
	m := masker{strings.NewReplacer()}
	for text, want := range map[string]string{
		"password=hunter2 next":                                           "password=*** next",
		`{"api_key": "a b c", "x": 1}`:                                    `{"api_key": ***, "x": 1}`,
		"node.session.auth.password = hunter2":                            "node.session.auth.password = ***",
		"key k {\n  secret aGVsbG8=;\n}":                                  "key k {\n  secret ***;\n}",
		"Authorization: Bearer abc.def":                                   "Authorization: Bearer ***",
		"-----BEGIN RSA PRIVATE KEY-----\nabc\n":                          "-----BEGIN RSA PRIVATE KEY-----***",
		"x\n-----BEGIN PRIVATE KEY-----\na\n-----END PRIVATE KEY-----\ny": "x\n-----BEGIN PRIVATE KEY-----***\ny",
		"a\n" + strings.Repeat("QUJD", 16) + "\nb":                        "a\n***\nb",
		"-A FORWARD -m comment --comment \"eucactl c1 forward\"":          "-A FORWARD -m comment --comment \"eucactl c1 forward\"",
		"iptables v1.8.9 (nf_tables)":                                     "iptables v1.8.9 (nf_tables)",
	} {
		if got := m.clean(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
