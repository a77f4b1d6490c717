package playbooks

import (
	"encoding/base64"
	"path"
	"strings"
)

// fetched asks for a file of the host's, which is then kept here. Whether that
// changes anything is known when the file is there.
func (w *walker) fetched(e *entry, c call) (call, error) {
	dest, ok := c.args["dest"].(string)
	if !ok || dest == "" {
		return c, wrong(e.step.Where, "fetch: dest is missing")
	}
	flat := truthy(c.args["flat"])
	for _, name := range []string{"dest", "flat", "validate_checksum"} {
		delete(c.args, name)
	}
	e.decide = func(out *cell) error { return w.keepFetched(e, out, dest, flat) }
	return c, nil
}

// keepFetched writes what was fetched.
func (w *walker) keepFetched(e *entry, out *cell, dest string, flat bool) error {
	text, encoded := e.fields["content"].(string)
	source, _ := e.fields["source"].(string)
	for _, name := range []string{"content", "encoding", "source", "missing"} {
		delete(e.fields, name)
	}
	if out.failed || !encoded {
		return nil
	}
	content, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		out.failed, e.fields["msg"] = true, "the host sent what is not base64"
		return nil
	}
	to := w.fetchedTo(dest, source, flat)
	changed, err := w.run.Runner.WriteFile(to, content, w.opts.Check)
	if err != nil {
		out.failed, e.fields["msg"] = true, err.Error()
		return nil
	}
	out.changed = changed
	e.fields["dest"], e.fields["remote_checksum"], e.fields["md5sum"] = to, e.fields["checksum"], nil
	if !changed {
		e.fields["file"] = source
	}
	return nil
}

// fetchedTo is where a file of the host's goes: below the host's name, or with flat
// where dest says.
func (w *walker) fetchedTo(dest, source string, flat bool) string {
	// A host cannot choose a place of ours: its path is made one below dest.
	source = path.Clean("/" + source)
	src := w.pb.source
	abs := src.shown(src.join(src.dir, dest))
	switch {
	case !flat:
		return path.Join(abs, w.mem.host.Name, source)
	case strings.HasSuffix(dest, "/"):
		return path.Join(abs, path.Base(source))
	}
	return abs
}
