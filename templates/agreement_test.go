package templates

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
)

// agreementVars are what both are asked about; the keys of mappings are in order.
const agreementVars = `{"n": 64, "s": "x", "l": [1, "b"], "m": {"a": null, "b": 1},
	"people": [{"age": 42, "name": "ann"}, {"address": {"city": "Ulm"}, "age": 23, "name": "bob"}, {"admin": true, "age": 42, "name": "cid"}],
	"users": [{"groups": ["g"], "keys": ["k1", "k2"], "name": "u1"}, {"keys": [], "name": "u2"}],
	"result": {"changed": true, "failed": false, "rc": 0}}`

// agreementCases are the texts of a file: an expression stands for itself and for
// a list of it in JSON, which shows its type.
func agreementCases(t *testing.T) (cases []string) {
	t.Helper()
	data, err := os.ReadFile("testdata/agreement.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if text, ok := strings.CutPrefix(line, "T "); ok {
			cases = append(cases, text)
		} else if line != "" && line[0] != '#' {
			cases = append(cases, "{{ "+line+" }}", "{{ ["+line+"] | to_json }}")
		}
	}
	return cases
}

type agreementAnswer struct {
	Value any
	Error string
}

// ansible asks the installed Ansible, in one process.
func ansible(t *testing.T, vars string, cases []string) (answers []agreementAnswer) {
	t.Helper()
	asked, err := json.Marshal(map[string]any{"vars": json.RawMessage(vars), "cases": cases})
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

// Ansible and this package make the same of every expression of the table. Where
// Ansible makes text of a number, as it does of what is computed, the text agrees.
func TestAgreesWithAnsible(t *testing.T) {
	cases := agreementCases(t)
	answers := ansible(t, agreementVars, cases)
	decoder := json.NewDecoder(strings.NewReader(agreementVars))
	decoder.UseNumber()
	var raw map[string]any
	if err := decoder.Decode(&raw); err != nil {
		t.Fatal(err)
	}
	vars := whole(raw).(map[string]any)
	s := NewWith(Options{Now: time.Unix(0, 0).UTC()})
	values, errors := 0, 0
	for i, text := range cases {
		got, err := s.Value(text, vars)
		want := answers[i]
		if (err != nil) != (want.Error != "") {
			t.Errorf("%s\n ours: %v, %v\n Ansible: %v, %s", text, got, err, want.Value, want.Error)
			continue
		}
		if err != nil {
			errors++
			continue
		}
		values++
		if word, ok := want.Value.(string); ok {
			if got, err = s.Text(text, vars); err != nil || got != word {
				t.Errorf("%s\n ours:    %q, %v\n Ansible: %q", text, got, err, word)
			}
		} else if !reflect.DeepEqual(throughJSON(t, got), want.Value) {
			t.Errorf("%s\n ours:    %T %v\n Ansible: %T %v", text, got, got, want.Value, want.Value)
		}
	}
	t.Logf("%d values agree, and %d refusals", values, errors)
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
