package host

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"eucactl/remote"
	"eucactl/tasks"
)

const (
	testMark  = "@0123456789abcdef"
	testCloud = "c10d0001"
)

func library(t testing.TB) *tasks.Library {
	t.Helper()
	kinds, err := tasks.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return kinds
}

// ids counts boots.
func ids() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("%08x", n) }
}

func node(t testing.TB) *Machine {
	return New("h1", Options{
		Kinds: library(t), Node: true, Bridge: "br0", Interfaces: []string{"eth0", "eth1"}, Cores: 4, Memory: 4096, Disk: 100, NewID: ids(),
	})
}

// visit plays the controller: one program on one connection.
func visit(t testing.TB, m *Machine, p *tasks.Program, e tasks.Env, f Faults) (tasks.Report, error) {
	t.Helper()
	text, err := p.Text(e)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Dial(f)
	if err != nil {
		return tasks.Report{}, err
	}
	defer c.Close()
	s, err := c.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	go io.WriteString(s, text)
	put := func(sum string) { offer(p, c, s, sum) }
	return tasks.Read(bufio.NewReader(s), p, e.Mark, tasks.Hooks{OnNeed: put}, nil)
}

// offer puts a content that the program itself holds, or says that nobody does.
func offer(p *tasks.Program, c remote.Conn, s remote.Session, sum string) {
	content, ok := p.Content(sum)
	if !ok {
		fmt.Fprintf(s, "lack %s nobody has it\n", sum)
		return
	}
	path := hostDir + "/incoming/root/" + sum
	if err := c.Put(context.Background(), remote.File{Path: path, Content: strings.NewReader(content), Size: int64(len(content))}); err != nil {
		fmt.Fprintf(s, "lack %s %v\n", sum, err)
		return
	}
	fmt.Fprintf(s, "have %s\n", sum)
}

func env() tasks.Env { return tasks.Env{Mark: testMark, Cloud: testCloud} }

// outcomes is a report in short.
func outcomes(r tasks.Report) string {
	var words []string
	for _, res := range r.Results {
		words = append(words, string(res.Outcome))
	}
	if !r.Done {
		words = append(words, "CUT")
	}
	return strings.Join(words, " ")
}
