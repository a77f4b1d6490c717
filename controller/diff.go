package controller

import (
	"github.com/aymanbagabas/go-udiff"

	"eucactl/tasks"
)

// diff shows how a task changed, or would change, the content of its object.
func diff(p *tasks.Program, r tasks.Result) string {
	after, ok := p.After(r.Index)
	if !r.Diffed || !ok || p.Tasks[r.Index].NoLog {
		return ""
	}
	return udiff.Unified("present", "planned", r.Before, after)
}
