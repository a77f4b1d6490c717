package templates

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"eucactl/jinja"
)

// expect asks for the JSON of each expression, or for the beginning of its error.
func expect(t *testing.T, s *Set, vars map[string]any, want map[string]string) {
	t.Helper()
	for expr, want := range want {
		v, err := s.Eval(expr, vars)
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else if data, err := json.Marshal(v); err != nil {
			t.Error(err)
		} else {
			got = string(data)
		}
		if got != want && !(err != nil && strings.HasPrefix(got, want)) {
			t.Errorf("%s\n got %s\nwant %s", expr, got, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	expect(t, New(), nil, map[string]string{
		"'192.0.2.10/24' | ipaddr('address')":                         `"192.0.2.10"`,
		"'192.0.2.0/24' | ipaddr('address')":                          `null`,
		"'192.0.2.10/24' | ipaddr('network')":                         `"192.0.2.0"`,
		"'192.0.2.10/24' | ipaddr('netmask')":                         `"255.255.255.0"`,
		"'192.0.2.10/255.255.255.0' | ipaddr('prefix')":               `24`,
		"'192.0.2.10/24' | ipaddr('broadcast')":                       `"192.0.2.255"`,
		"'192.0.2.10/24' | ansible.utils.ipaddr('hostmask')":          `"0.0.0.255"`,
		"'192.0.2.0/24' | ipaddr('first_usable')":                     `"192.0.2.1"`,
		"'192.0.2.0/24' | ipaddr('last_usable')":                      `"192.0.2.254"`,
		"'192.0.2.0/31' | ipaddr('last_usable')":                      `"192.0.2.1"`,
		"'192.0.2.0/24' | ipaddr('range_usable')":                     `"192.0.2.1-192.0.2.254"`,
		"'192.0.2.0/24' | ipaddr('size')":                             `256`,
		"'192.0.2.0/24' | ipaddr('size_usable')":                      `254`,
		"'192.0.2.0/24' | ipaddr('5')":                                `"192.0.2.5/24"`,
		"'192.0.2.0/24' | ipaddr(-2)":                                 `"192.0.2.254/24"`,
		"'192.0.2.0/24' | ipaddr(300)":                                `false`,
		"'192.0.2.0/24' | nthhost(5)":                                 `"192.0.2.5"`,
		"'192.0.2.10/24' | ipaddr('subnet')":                          `"192.0.2.0/24"`,
		"'192.0.2.10/24' | ipaddr('net')":                             `null`,
		"'192.0.2.10/24' | ipaddr('host/prefix')":                     `"192.0.2.10/24"`,
		"'192.0.2.10/24' | ipaddr('type')":                            `"address"`,
		"'192.0.2.0/24' | ipaddr('type')":                             `"network"`,
		"'192.0.2.10' | ipaddr('int')":                                `3221225994`,
		"'192.0.2.10' | ipaddr('revdns')":                             `"10.2.0.192.in-addr.arpa."`,
		"'192.0.2.10' | ipaddr":                                       `"192.0.2.10"`,
		"'nonsense' | ipaddr":                                         `false`,
		"'2001:db8::1' | ipv4":                                        `false`,
		"'2001:db8::1/64' | ipv6('address')":                          `"2001:db8::1"`,
		"'2001:db8::/64' | ipaddr('size')":                            `"18446744073709551616"`,
		"['192.0.2.1', 'x', '10.0.0.1', '2001:db8::1'] | ipaddr":      `["192.0.2.1","10.0.0.1","2001:db8::1"]`,
		"['192.0.2.1', '10.0.0.1'] | ipaddr('private')":               `["10.0.0.1"]`,
		"['192.0.2.1', '10.0.0.1'] | ipaddr('10.0.0.0/8')":            `["10.0.0.1"]`,
		"'192.0.2.1/24' | ipaddr('adress')":                           `error: filter ipaddr: unknown question "adress", did you mean "address"?`,
		"'192.0.2.0/24' | ipsubnet(26)":                               `"4"`,
		"'192.0.2.0/24' | ipsubnet(26, 1)":                            `"192.0.2.64/26"`,
		"'192.0.2.0/24' | ipsubnet(26, -1)":                           `"192.0.2.192/26"`,
		"'192.0.2.77' | ipsubnet(26)":                                 `"192.0.2.64/26"`,
		"'192.0.2.1/30' | ipaddr('peer')":                             `"192.0.2.2"`,
		"'192.0.2.5/24' | next_nth_usable(2)":                         `"192.0.2.7"`,
		"'192.0.2.0/24' | network_in_usable('192.0.2.0')":             `false`,
		"'2001:db8::1' | ipwrap":                                      `"[2001:db8::1]"`,
		"['192.0.2.0/25', '192.0.2.128/25'] | cidr_merge":             `["192.0.2.0/24"]`,
		"['192.0.2.1', '10.0.0.1'] | reduce_on_network('10.0.0.0/8')": `["10.0.0.1"]`,
	})
}

func TestLookupsOfFiles(t *testing.T) {
	role := fstest.MapFS{"motd": {Data: []byte(" hello\n\n")}, "a.conf": {}, "b.conf": {}, "d/c.conf": {}}
	base := fstest.MapFS{"motd": {Data: []byte("hidden")}, "only": {Data: []byte("here")}, "t.csv": {Data: []byte("a,1,x\nb,2,y\n")},
		"t.ini": {Data: []byte("[global]\nk = v\n[other]\nk: w\n")}}
	layer := fstest.MapFS{"list.j2": {Data: []byte("[{{ n }}, {{ who }}]\n")}, "sub/outer.j2": {Data: []byte("{% include 'inner.j2' %}")},
		"sub/inner.j2": {Data: []byte("inner")}, "inner.j2": {Data: []byte("other")}}
	s := NewWith(Options{Files: []fs.FS{role, base}, Root: fstest.MapFS{"etc/host": {Data: []byte("h")}}}, layer)
	vars := map[string]any{"n": int64(1), "who": int64(2)}
	expect(t, s, vars, map[string]string{
		"lookup('file', 'motd')":                                            `" hello"`,
		"lookup('file', 'motd', lstrip=true, rstrip=false)":                 `"hello\n\n"`,
		"lookup('file', 'only', 'motd')":                                    `"here, hello"`,
		"query('file', '/etc/host')":                                        `["h"]`,
		"lookup('file', 'none')":                                            `error: lookup file: none: file does not exist`,
		"lookup('file', '../x')":                                            `error: lookup file: ../x leaves the folders that can be read`,
		"query('fileglob', '*.conf')":                                       `["a.conf","b.conf"]`,
		"'/etc/*' | fileglob":                                               `["/etc/host"]`,
		"lookup('first_found', ['x', 'only', 'motd'])":                      `"only"`,
		"lookup('first_found', {'files': ['c.conf'], 'paths': ['e', 'd']})": `"d/c.conf"`,
		"lookup('first_found', files=['x'], paths=['d'], skip=true)":        `""`,
		"lookup('first_found', ['x', 'y'])":                                 `error: lookup first_found: none of x, y is there`,
		"lookup('csvfile', 'b file=t.csv delimiter=, col=2')":               `"y"`,
		"lookup('csvfile', 'z', file='t.csv', delimiter=',', default='d')":  `"d"`,
		"lookup('ini', 'k', file='t.ini')":                                  `"v"`,
		"lookup('ini', 'k section=other file=t.ini')":                       `"w"`,
		"lookup('template', 'list.j2')":                                     `[1,2]`,
		"lookup('template', 'list.j2', convert_data=false)":                 `"[1, 2]\n"`,
		"lookup('template', 'list.j2', template_vars={'who': 3})":           `[1,3]`,
		"lookup('template', 'sub/outer.j2')":                                `"inner"`,
		"lookup('pipe', 'date')":                                            `error: lookup pipe: running programs for templates is off`,
		"lookup('env', 'HOME')":                                             `error: lookup env: the environment is not handed`,
		"lookup('flie', 'motd')":                                            `error: lookup flie: there is no such lookup, did you mean "file"?`,
	})
	got, err := s.Look("ansible.builtin.sequence", []any{"start=1 end=2"}, vars)
	if err != nil || len(got) != 2 || got[1] != "2" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := s.Look("items", []any{Need("x")}, vars); !errors.As(err, new(*Needed)) {
		t.Errorf("a need: %v", err)
	}
}

func TestWhatIsHandedIn(t *testing.T) {
	asked := ""
	files := fstest.MapFS{"f": {}, "d/x": {}}
	stat := func(name string) (fs.FileInfo, error) { return fs.Stat(files, name) }
	env := func(terms []any, options map[string]any) ([]any, error) {
		asked += terms[0].(string)
		return []any{"value", options["default"]}, nil
	}
	s := NewWith(Options{Stat: stat, Lstat: stat, Now: time.Date(2024, 2, 29, 12, 30, 0, 0, time.UTC), Random: bytes.NewReader(make([]byte, 4096)),
		Lookups: map[string]Lookup{"env": env}})
	expect(t, s, nil, map[string]string{
		"query('env', 'HOME', default='d')":      `["value","d"]`,
		"'f' is file and 'd' is directory":       `true`,
		"'f' is exists and 'nope' is not exists": `true`,
		"'f' is link":                            `false`,
		"now().year":                             `2024`,
		"now(fmt='%d.%m.%Y')":                    `"29.02.2024"`,
		"'%H:%M' | strftime":                     `"12:30"`,
		"10 | random":                            `0`,
		"[1, 2, 3] | shuffle | length":           `3`,
		"'x' | password_hash('sha512') | length": `106`,
		"lookup('random_choice', 1, 2)":          `1`,
	})
	if asked != "HOME" {
		t.Errorf("asked for %q", asked)
	}
	expect(t, New(), nil, map[string]string{
		"'f' is file": `error: test file: no files can be looked at here`, "now()": `error: there is no clock here for now()`,
		"'x' | password_hash": `error: filter password_hash: give a salt: nothing random is at hand here`,
		"'/a' | realpath":     `error: filter realpath: links are not followed`,
	})
}

func TestLayouts(t *testing.T) {
	s := New(fstest.MapFS{
		"header.j2":  {Data: []byte("#jinja2: lstrip_blocks: True, trim_blocks: False\na\n  {% if true %}\nb\n  {% endif %}\n")},
		"bad.j2":     {Data: []byte("#jinja2: lstrip: True\na\n")},
		"marks.j2":   {Data: []byte("<< n >> {{ n }}\n")},
		"newline.j2": {Data: []byte("{% if n %}a{% endif %}\n\n")},
	})
	vars := map[string]any{"n": int64(1)}
	if got, err := s.Render("header.j2", vars); err != nil || got != "a\n\nb\n" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := s.Render("bad.j2", vars); err == nil || !strings.HasPrefix(err.Error(), "bad.j2:1: lstrip cannot be True") {
		t.Errorf("%v", err)
	}
	if got, err := s.Render("newline.j2", vars); err != nil || got != "a\n\n" {
		t.Errorf("%q, %v", got, err)
	}
	layout, err := NewLayout(map[string]any{"variable_start_string": "<<", "variable_end_string": ">>"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.RenderAs("marks.j2", layout, vars); err != nil || got != "1 {{ n }}\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// A variable may be a mapping that keeps its order, or hold one.
func TestOrderedVariables(t *testing.T) {
	d := jinja.NewDict()
	for i, key := range []string{"z", "a", "m"} {
		if err := d.Set(key, int64(i)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := New().Text("{% for k, v in x.d.items() %}{{ k }}{{ v }}{% endfor %} {{ x.d | dict2items | map(attribute='key') | join }} {{ x }}",
		map[string]any{"x": map[string]any{"d": d}})
	if want := "z0a1m2 zam {'d': {'z': 0, 'a': 1, 'm': 2}}"; err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
}

// What a condition asks of a result that is known is answered at once.
func TestKnownResults(t *testing.T) {
	vars := map[string]any{
		"done":  map[string]any{"changed": true, "failed": false, "rc": int64(0)},
		"loop":  map[string]any{"results": []any{map[string]any{"changed": false}, map[string]any{"changed": true}}},
		"gone":  map[string]any{"unreachable": true},
		"left":  map[string]any{"skipped": true, "changed": false},
		"later": Need("later"),
	}
	expect(t, New(), vars, map[string]string{
		"done is changed": `true`, "done is not failed": `true`, "done is succeeded": `true`, "loop is changed": `true`, "gone is unreachable": `true`,
		"left is skipped": `true`, "left is changed": `false`, "done is ansible.builtin.success": `true`, "later is changed": `error: a value that is not known yet`,
	})
}

func FuzzRegex(f *testing.F) {
	f.Add("^(?P<a>.)(?=b)\\1[^]x]*$", "\\g<a>\\1", "ab\nab")
	f.Add("(a*)*b", "x", "aaaaaaaaaaaaaaaaaaaa")
	s := NewWith(Options{Steps: 1 << 18})
	f.Fuzz(func(t *testing.T, pattern, to, text string) {
		if len(pattern)+len(to)+len(text) > 100 {
			return
		}
		vars := map[string]any{"p": pattern, "to": to, "text": text}
		for _, expr := range []string{"text | regex_replace(p, to)", "text | regex_findall(p)", "text | regex_search(p, to)", "text is match(p)"} {
			if _, err := s.Eval(expr, vars); err != nil && strings.Contains(err.Error(), "cannot be evaluated") {
				t.Errorf("%s: %v", expr, err)
			}
		}
	})
}

// What is written as YAML is read back as it was.
func FuzzYAML(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, int64(3))
	}
	s := New()
	f.Fuzz(func(t *testing.T, text string, n int64) {
		if strings.ContainsRune(text, '\ufffd') || strings.ToValidUTF8(text, "") != text {
			return
		}
		vars := map[string]any{"v": map[string]any{"a": []any{text, n, nil, true}, "b": map[string]any{text: text}}}
		for _, f := range []string{"to_yaml", "to_nice_yaml", "to_json", "to_nice_json(indent=1)"} {
			same, err := s.Truth("v | "+f+" | from_yaml == v", vars)
			if strings.HasPrefix(f, "to_json") || strings.HasPrefix(f, "to_nice_json") {
				same, err = s.Truth("v | "+f+" | from_json == v", vars)
			}
			if err != nil && strings.Contains(err.Error(), "cannot be evaluated") || err == nil && !same {
				written, _ := s.Eval("v | "+f, vars)
				t.Errorf("%s of %q: %v, %v, %q", f, text, same, err, written)
			}
		}
	})
}
