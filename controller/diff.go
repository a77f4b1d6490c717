package controller

import (
	"github.com/aymanbagabas/go-udiff"

	"eucactl/tasks"
)

// diff shows how a task changed, or would change, the content of its object. A kind
// without a content of ours prints the difference itself.
func diff(p *tasks.Program, r tasks.Result) string {
	if !r.Diffed || p.Tasks[r.Index].NoLog {
		return ""
	}
	after, ok := p.After(r.Index)
	if !ok {
		return r.Before
	}
	return udiff.Unified("present", "planned", r.Before, after)
}
