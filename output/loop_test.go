package output

import (
	"strings"
	"testing"

	"eucactl/playbooks"
)

// TestItems: a failed item says which it is; debug shows its message alone; a loop of
// which all was skipped is told of as a whole; a refuted assertion is shown line by line, unless it is to be quiet.
func TestItems(t *testing.T) {
	var b strings.Builder
	a := NewAnsible(&b, Look{})
	task := func(action string) *playbooks.TaskInfo { return &playbooks.TaskInfo{Name: action, Action: action} }
	item := func() map[string]any {
		return map[string]any{"changed": false, "msg": "no", "item": "x", "ansible_loop_var": "item", "i": int64(0), "ansible_index_var": "i"}
	}
	a.Result(playbooks.Result{Host: "h", Task: task("command"), Status: playbooks.StatusFailed, HasItem: true, Item: "x", Fields: item()})
	a.Result(playbooks.Result{Host: "h", Task: task("debug"), Status: playbooks.StatusOK, HasItem: true, Item: "x", Fields: item()})
	a.Result(playbooks.Result{Host: "h", Task: task("command"), Status: playbooks.StatusSkipped, Loop: true})
	refuted := map[string]any{"changed": false, "failed": true, "msg": "Assertion failed"}
	a.Result(playbooks.Result{Host: "h", Task: task("assert"), Status: playbooks.StatusFailed, Fields: refuted})
	a.Result(playbooks.Result{Host: "h", Task: task("assert"), Status: playbooks.StatusFailed, Fields: refuted, Quiet: true})
	want := `failed: [h] (item=x) => {"ansible_index_var": "i", "ansible_loop_var": "item", "changed": false, "i": 0, "item": "x", "msg": "no"}
ok: [h] => (item=x) => {
    "msg": "no"
}
skipping: [h]
fatal: [h]: FAILED! => {
    "changed": false,
    "msg": "Assertion failed"
}
fatal: [h]: FAILED! => {"changed": false, "msg": "Assertion failed"}
`
	if b.String() != want {
		t.Errorf("%s\nwanted:\n%s", b.String(), want)
	}
}
