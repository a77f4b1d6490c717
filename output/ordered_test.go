package output

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"eucactl/playbooks"
)

// Hosts run ahead of each other; what is shown goes task by task, and nothing is lost.
func TestOrdered(t *testing.T) {
	var b bytes.Buffer
	o := InOrder(NewAnsible(&b, Look{Width: 20}))
	o.PlayStart(playbooks.PlayInfo{Name: "p", Hosts: []string{"a", "b"}})
	var tasks []*playbooks.TaskInfo
	for i := range 3 {
		tasks = append(tasks, &playbooks.TaskInfo{Name: fmt.Sprint("t", i), Place: playbooks.Place{Path: fmt.Sprint("00", i)}})
	}
	done := func(host string, i int) {
		o.Begun(host, tasks[i])
		o.Result(playbooks.Result{Host: host, Task: tasks[i], Status: playbooks.StatusOK})
	}
	o.TaskStart(tasks[0])
	done("a", 0)
	o.TaskStart(tasks[1])
	done("a", 1)
	done("b", 0)
	done("b", 1)
	if strings.Contains(b.String(), "TASK [t1]") {
		t.Errorf("t1 is told of while b may still add to it:\n%s", b.String())
	}
	o.TaskStart(tasks[2])
	done("b", 2)
	o.Stats(nil, nil)
	want := "PLAY [p] ************ TASK [t0] *********** ok: [a] ok: [b] TASK [t1] *********** ok: [a] ok: [b] TASK [t2] *********** ok: [b] PLAY RECAP **********"
	if got := strings.Join(strings.Fields(b.String()), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
