package host

import (
	"context"
	"strings"
	"testing"

	"eucactl/facts"
	"eucactl/remote"
	"eucactl/tasks"
)

// TestFacts: the model says of itself what it is told to.
func TestFacts(t *testing.T) {
	const text = "arch=sparc\nkernel=1.0"
	m := New("h1", Options{Kinds: library(t), Facts: text})
	p := &tasks.Program{Kinds: library(t), Sections: []tasks.Section{{Name: "host", Script: facts.HostScript}}}
	rep, err := visit(t, m, p, env(), Faults{})
	if err != nil || strings.TrimSpace(rep.Sections["host"].Text) != text {
		t.Errorf("%v: %+v", err, rep)
	}
}

// unread is a content that nobody may ask for.
type unread struct{ t *testing.T }

func (u unread) ReadAt([]byte, int64) (int, error) {
	u.t.Error("the content was read")
	return 0, nil
}

// TestTrusting: an image of any length arrives, although nobody has its content, and is
// what it was said to be.
func TestTrusting(t *testing.T) {
	const size = 1 << 40
	sum := tasks.Sum("an image that is far away")
	for _, trusting := range []bool{true, false} {
		m := New("h1", Options{Kinds: library(t), Trusting: trusting})
		c, err := m.Dial(Faults{})
		if err != nil {
			t.Fatal(err)
		}
		path := hostDir + "/incoming/root/" + sum
		file := remote.File{Path: path, Content: strings.NewReader("other"), Size: 5}
		if trusting {
			file.Content, file.Size = unread{t}, size
		}
		if err := c.Put(context.Background(), file); err != nil {
			t.Fatal(err)
		}
		p := newProcess(newSession(m, Faults{}))
		p.hostDir = hostDir
		rc := p.mkdir(hostDir+"/blobs.tmp", 0o700) + p.takeIn(sum, path, hostDir+"/blobs.tmp/"+sum)
		if (rc == 0) != trusting {
			t.Fatalf("trusting %v: %d %s", trusting, rc, p.out)
		}
		if !trusting {
			continue
		}
		args := []string{sum, "1099511627776", sum}
		if rc := applyImage(p, args) + checkImage(p, args); rc != 0 {
			t.Errorf("%d: %s", rc, p.out)
		}
		for _, format := range []string{"raw", "qcow2"} {
			if backing, _, ok := p.diskInfo(p.imagePath(sum), format); !ok || backing != "" {
				t.Errorf("%s: %q %v", format, backing, ok)
			}
		}
	}
}
