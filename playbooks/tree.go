package playbooks

import (
	"path"
	"strings"
)

// plant puts a folder's files into the program, one task each: the task that copies
// the folder is the last of them, and what became of the others is its too.
func (w *walker) plant(e *entry, c call, guard string) error {
	calls, err := w.branches(e, c)
	if err != nil {
		return err
	}
	e.parts = nil
	for i, one := range calls {
		t, err := w.made(e, one)
		if err != nil {
			return err
		}
		t.Guard = guard
		if i == len(calls)-1 {
			w.add(e, t)
			return nil
		}
		part := &entry{step: e.step, around: e.around, info: e.info, cell: &cell{}, needs: e.needs}
		w.add(part, t)
		e.parts = append(e.parts, part)
		guard = strings.TrimSpace(guard + " " + term{'n', part.cell}.String())
	}
	return nil
}

// branches are the tasks that a folder is copied by: itself, its folders, its files.
func (w *walker) branches(e *entry, c call) ([]call, error) {
	common := func(more map[string]any) map[string]any {
		for _, name := range []string{"owner", "group"} {
			if v, ok := c.args[name]; ok {
				more[name] = v
			}
		}
		return more
	}
	folder := func(path string) call {
		args := common(map[string]any{"path": path, "state": "directory"})
		if v, ok := c.args["directory_mode"]; ok {
			args["mode"] = v
		}
		return call{"file", args}
	}
	calls := []call{folder(e.tree.dest)}
	for _, f := range e.tree.files {
		to := path.Join(e.tree.dest, f.name)
		if f.dir {
			calls = append(calls, folder(to))
			continue
		}
		data, err := w.pb.source.read("file", path.Join(e.tree.from, f.name))
		if err != nil {
			return nil, wrap(e.step.Where, "copy", err)
		}
		args := common(map[string]any{"dest": to, "content": string(data)})
		for _, name := range []string{"mode", "backup", "force", "validate", "follow"} {
			if v, ok := c.args[name]; ok {
				args[name] = v
			}
		}
		if args["mode"] == "preserve" {
			args["mode"] = f.mode
		}
		calls = append(calls, call{"copy", args})
	}
	return calls, nil
}

// gatherParts lets what became of the parts be what became of the whole.
func (e *entry) gatherParts(c *cell) {
	for _, p := range e.parts {
		switch {
		case p.cell.failed && !c.failed:
			*c = *p.cell
			e.fields = p.fields
		case p.cell.changed && !c.failed:
			c.changed = true
		}
		e.result.Diffs = append(e.result.Diffs, p.result.Diffs...)
	}
}
