package templates

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// agreementVars are what both are asked about; the keys of mappings are in order.
const agreementVars = `{"n": 64, "s": "x", "l": [1, "b"], "m": {"a": null, "b": 1},
	"people": [{"age": 42, "name": "ann"}, {"address": {"city": "Ulm"}, "age": 23, "name": "bob"}, {"admin": true, "age": 42, "name": "cid"}],
	"users": [{"groups": ["g"], "keys": ["k1", "k2"], "name": "u1"}, {"keys": [], "name": "u2"}],
	"result": {"changed": true, "failed": false, "rc": 0}}`

// agreementCase is a text of a playbook, a template's file or a condition.
type agreementCase struct{ kind, text string }

// agreementCases are what a file lists: an expression stands for itself and for a
// list of it in JSON, which shows its type.
func agreementCases(t *testing.T, name string) (cases []agreementCase) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{"T": "text", "F": "file", "W": "condition"}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		word, text, _ := strings.Cut(line, " ")
		switch {
		case line == "" || line[0] == '#':
		case kinds[word] == "file":
			if err := json.Unmarshal([]byte(text), &text); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			cases = append(cases, agreementCase{"file", text})
		case kinds[word] != "":
			cases = append(cases, agreementCase{kinds[word], text})
		default:
			cases = append(cases, agreementCase{"text", "{{ " + line + " }}"}, agreementCase{"text", "{{ [" + line + "] | to_json }}"})
		}
	}
	return cases
}

type agreementAnswer struct {
	Value any
	Error string
}

// ansible asks the installed Ansible, in one process.
func ansible(t *testing.T, vars string, cases []agreementCase) (answers []agreementAnswer) {
	t.Helper()
	pairs := make([][2]string, len(cases))
	for i, c := range cases {
		pairs[i] = [2]string{c.kind, c.text}
	}
	asked, err := json.Marshal(map[string]any{"vars": json.RawMessage(vars), "cases": pairs})
	if err != nil {
		t.Fatal(err)
	}
	script, err := exec.LookPath("ansible")
	if err != nil {
		t.Fatal(err)
	}
	head, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(head), "\n")
	words := strings.Fields(strings.TrimPrefix(line, "#!"))
	c := exec.Command(words[0], append(words[1:], "testdata/agreement.py")...)
	c.Env = append(os.Environ(), "TZ=UTC", "ANSIBLE_DEPRECATION_WARNINGS=false", "PYTHONHASHSEED=0")
	c.Stdin = bytes.NewReader(asked)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// throughJSON is a value as it looks after a journey through JSON.
func throughJSON(t *testing.T, v any) (out any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Ansible and this package make the same of every case of the table. Where Ansible
// makes text of a number, as it does of what is computed, the text agrees.
func TestAgreesWithAnsible(t *testing.T) {
	cases := agreementCases(t, "testdata/agreement.txt")
	answers := ansible(t, agreementVars, cases)
	decoder := json.NewDecoder(strings.NewReader(agreementVars))
	decoder.UseNumber()
	var raw map[string]any
	if err := decoder.Decode(&raw); err != nil {
		t.Fatal(err)
	}
	vars := whole(raw).(map[string]any)
	s := NewWith(Options{Now: time.Unix(0, 0).UTC()})
	values, refusals := 0, 0
	for i, c := range cases {
		want := answers[i]
		_, isText := want.Value.(string)
		got, err := ours(s, c, vars, isText)
		switch {
		case (err != nil) != (want.Error != ""):
			t.Errorf("%s: %s\n ours: %v, %v\n Ansible: %v, %s", c.kind, c.text, got, err, want.Value, want.Error)
		case err != nil:
			refusals++
		case !reflect.DeepEqual(throughJSON(t, got), want.Value):
			t.Errorf("%s: %s\n ours:    %T %#v\n Ansible: %T %#v", c.kind, c.text, got, got, want.Value, want.Value)
		default:
			values++
		}
	}
	t.Logf("%d values agree, and %d refusals", values, refusals)
}

// ours is what this package makes of a case, as a text if it is to be one.
func ours(s *Set, c agreementCase, vars map[string]any, isText bool) (any, error) {
	switch c.kind {
	case "condition":
		return s.Truth(c.text, vars)
	case "file":
		return New(fstest.MapFS{"file": {Data: []byte(c.text)}}).Render("file", vars)
	}
	v, err := s.Value(c.text, vars)
	if err == nil && isText {
		return s.Text(c.text, vars)
	}
	return v, err
}

// whole makes whole numbers of JSON's.
func whole(v any) any {
	switch v := v.(type) {
	case json.Number:
		return jsonNumber(v)
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = whole(v[key])
		}
	}
	return v
}
