package host

import (
	"errors"
	"strings"
	"testing"

	"eucactl/remote"
	"eucactl/tasks"
)

func sysctls(t *testing.T, m *Machine) *tasks.Program {
	t.Helper()
	return programOf(t, m, call{"kernel_setting", named("name", "net.ipv4.ip_forward", "value", "1")},
		call{"kernel_setting", named("name", "net.ipv4.conf.all.send_redirects", "value", "0")})
}

func fenced(token string, accept ...string) tasks.Env {
	e := env()
	e.Fence = &tasks.Fence{Token: token, Accept: accept}
	return e
}

func is(m *Machine, path string) string { v, _ := m.sysctl(path); return v }

func TestRefuse(t *testing.T) {
	m := node(t)
	_, err := visit(t, m, sysctls(t, m), env(), Faults{Refuse: true})
	if !errors.As(err, new(*remote.UnreachableError)) {
		t.Error(err)
	}
}

func TestLate(t *testing.T) {
	m := node(t)
	before := m.Dump()
	r, err := visit(t, m, sysctls(t, m), fenced("t1"), Faults{Late: true})
	if !errors.As(err, new(*remote.LostError)) || r.Hello || m.Dump() != before {
		t.Fatalf("%v %+v", err, r)
	}
	if n := m.Deliver(); n != 1 || is(m, "net/ipv4/ip_forward") != "1" || m.Token() != testCloud+" t1" || m.Done() != m.Token() {
		t.Error(n, m.Token(), m.Done(), m.Dump())
	}
	if n := m.Deliver(); n != 0 {
		t.Error(n, "again")
	}
	// One that comes when the host obeys another already is fenced off.
	m = node(t)
	if _, err = visit(t, m, sysctls(t, m), fenced("t1"), Faults{Late: true}); err == nil {
		t.Error("not lost")
	}
	if _, err = visit(t, m, programOf(t, m), fenced("t2"), Faults{}); err != nil {
		t.Error(err)
	}
	before = m.Dump()
	if n := m.Deliver(); n != 1 || m.Dump() != before || m.Token() != testCloud+" t2" {
		t.Error(n, m.Token())
	}
}

// The lines are hello, begin 0, end 0, begin 1, end 1, done.
func TestLoseAndDeaf(t *testing.T) {
	for n := 1; n <= 6; n++ {
		m := node(t)
		r, err := visit(t, m, sysctls(t, m), env(), Faults{Lose: n})
		if !errors.As(err, new(*remote.LostError)) || r.Done || len(r.Results) != (n-1)/2 {
			t.Errorf("lost at %d: %v %+v", n, err, r)
		}
		if first, second := is(m, "net/ipv4/ip_forward") == "1", is(m, "net/ipv4/conf/all/send_redirects") == "0"; first != (n > 2) || second != (n > 4) {
			t.Errorf("lost at %d: %v %v", n, first, second)
		}
		m = node(t)
		r, err = visit(t, m, sysctls(t, m), env(), Faults{Deaf: n})
		if !errors.As(err, new(*remote.LostError)) || r.Done || is(m, "net/ipv4/conf/all/send_redirects") != "0" {
			t.Errorf("deaf at %d: %v %+v", n, err, r)
		}
		if r, err = visit(t, m, sysctls(t, m), env(), Faults{}); err != nil || !r.Done {
			t.Errorf("afterwards: %v %+v", err, r)
		}
	}
}

func TestBusy(t *testing.T) {
	m := node(t)
	r, err := visit(t, m, sysctls(t, m), env(), Faults{Busy: true})
	if err != nil || r.Busy == "" || len(r.Results) > 0 || m.Runs() != 0 {
		t.Errorf("%v %+v", err, r)
	}
}

// What the model has no idea of ends the program loudly.
func TestUnknownSection(t *testing.T) {
	m := node(t)
	p := sysctls(t, m)
	p.Sections = []tasks.Section{{Name: "odd", Script: "uptime"}}
	r, err := visit(t, m, p, env(), Faults{})
	if err != nil || r.Done || !strings.Contains(r.Stopped, "odd") {
		t.Errorf("%v %+v", err, r)
	}
}

func TestOnCommandMayLook(t *testing.T) {
	m := node(t)
	var heard []string
	m.OnCommand(func(kind, what string) { heard = append(heard, kind+": "+what); m.Dump() })
	if _, err := visit(t, m, sysctls(t, m), fenced("t1"), Faults{}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(heard, "\n"); strings.Count(got, "kernel_setting: ") != 2 || !strings.Contains(got, "mv fence.new fence") {
		t.Error(got)
	}
}

// A text that arrives in pieces runs when it is whole, and one that is cut never.
func TestPieces(t *testing.T) {
	m := node(t)
	p := programOf(t, m, call{"rendered", named("path", "/srv/f", "content", "it's\nclose_run\n}\neucactl\nnot the end\n")})
	m.files.mkdirAll("/srv", 0o755)
	text, err := p.Text(env())
	if err != nil {
		t.Fatal(err)
	}
	end := strings.Index(text, programEnd) + len(programEnd) // inside of the content
	for _, cut := range []int{100, end, len(text) - 1, len(text)} {
		s := newSession(m, Faults{})
		before := m.Dump()
		for rest := text[:cut]; rest != ""; {
			n := min(len(rest), end)
			if _, err := s.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := s.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		s.serve()
		if changed := m.Dump() != before; changed != (cut == len(text)) {
			t.Errorf("cut at %d of %d: changed %v", cut, len(text), changed)
		}
	}
}
