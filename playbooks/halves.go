package playbooks

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"eucactl/ordered"
	"eucactl/templates"
)

// A half is the part of a kind that runs here: it turns the task into one of the
// host's.
type half func(e *entry, c call) (call, error)

// halves are the kinds half of which runs here.
func (w *walker) halves() map[string]half {
	if w.pb.source.Cloud {
		return map[string]half{templateKind: w.rendered}
	}
	return map[string]half{
		templateKind: w.templated, "copy": w.copied, "script": w.scripted, "unarchive": w.unpacked, "assemble": w.assembled, "fetch": w.fetched,
	}
}

// local reads a file that a task names, looked for where Ansible looks.
func (w *walker) local(e *entry, kind, name string) (string, []byte, error) {
	src := w.pb.source
	found, ok := src.find(e.step.File, kind, name)
	if !ok {
		return "", nil, wrong(e.step.Where, "could not find or access '%s': looked for %s", name, src.shownAll(src.places(e.step.File, kind, name)))
	}
	if src.isDir(found) {
		return found, nil, nil
	}
	data, err := src.read("file", found)
	if err != nil {
		return "", nil, wrap(e.step.Where, e.step.Kind, err)
	}
	return found, data, nil
}

// take moves an argument out of a call.
func (c call) take(name string) (any, bool) {
	v, ok := c.args[name]
	delete(c.args, name)
	return v, ok
}

// templated is a template as a copy of what it renders to.
func (w *walker) templated(e *entry, c call) (call, error) {
	srcArg, _ := c.take("src")
	name, ok := srcArg.(string)
	if !ok || name == "" {
		return c, wrong(e.step.Where, "template: src, the name of a template, is missing")
	}
	found, data, err := w.local(e, "templates", name)
	if err != nil {
		return c, err
	}
	if data == nil {
		return c, wrong(e.step.Where, "template: src is a folder: %s", w.pb.source.shown(found))
	}
	if v, ok := c.take("path"); ok && c.args["dest"] == nil {
		c.args["dest"] = v
	}
	options := map[string]any{}
	for _, o := range []string{"newline_sequence", "trim_blocks", "lstrip_blocks", "variable_start_string", "variable_end_string",
		"block_start_string", "block_end_string", "output_encoding"} {
		if v, ok := c.take(o); ok {
			options[o] = v
		}
	}
	lineEnd := options["newline_sequence"]
	delete(options, "newline_sequence")
	delete(options, "output_encoding") // utf-8 it is
	content, err := w.renderFile(e, found, options)
	if err != nil {
		return c, wrap(e.step.Where, "template", err)
	}
	switch lineEnd {
	case nil, "\n", `\n`:
	case "\r\n", `\r\n`:
		content = strings.ReplaceAll(content, "\n", "\r\n")
	case "\r", `\r`:
		content = strings.ReplaceAll(content, "\n", "\r")
	default:
		return c, wrong(e.step.Where, `template: newline_sequence is "\n", "\r" or "\r\n", not %s`, describeValue(lineEnd))
	}
	c.kind, c.args["content"] = "copy", content
	c.args["original_basename"] = path.Base(found) // its name where dest is a folder
	return c, nil
}

// renderFile renders a template file of the source.
func (w *walker) renderFile(e *entry, name string, options map[string]any) (string, error) {
	src := w.pb.source
	out, err := e.around.scope.renderAs(name, map[string]any{
		"template_path": src.shown(name), "template_fullpath": src.shown(name), "template_host": "localhost",
		"template_uid": "root", "template_destpath": nil, "ansible_managed": "Ansible managed",
	}, options)
	var at *templates.Error
	if errors.As(err, &at) && src.exists(at.File) { // it may be one that name includes
		shown := *at
		shown.File = src.shown(at.File)
		return "", &shown
	}
	if err != nil {
		return "", err
	}
	return out, nil
}

// copied is a copy of a file that is here. What is on the host already, and
// content, are the host's half alone.
func (w *walker) copied(e *entry, c call) (call, error) {
	c.take("local_follow")
	c.take("decrypt")
	if content := c.args["content"]; content != nil {
		template := "{{ x }}"
		if _, isList := content.([]any); isList || ordered.IsMapping(content) {
			template = "{{ x | to_json }}"
		}
		var err error
		c.args["content"], err = e.printed(template, content)
		return c, err
	}
	delete(c.args, "content")
	if truthy(c.args["remote_src"]) {
		return c, nil
	}
	delete(c.args, "remote_src")
	name, ok := c.args["src"].(string)
	if !ok || name == "" {
		return c, wrong(e.step.Where, "copy: src or content is missing")
	}
	found, data, err := w.local(e, "files", name)
	if err != nil {
		return c, err
	}
	if data == nil && w.pb.source.isDir(found) {
		return w.copiedTree(e, c, found, strings.HasSuffix(name, "/"))
	}
	delete(c.args, "src")
	c.args["content"] = string(data)
	if fmt.Sprint(c.args["mode"]) == "preserve" {
		c.args["mode"] = w.modeOf(found)
	}
	c.args["original_basename"] = path.Base(found)
	return c, nil
}

func (w *walker) modeOf(name string) string {
	info, err := fs.Stat(w.pb.source.Files, name)
	if err != nil {
		return "0644"
	}
	return fmt.Sprintf("%04o", info.Mode().Perm())
}

// tree is a folder that is copied: what is in it, as JSON for the kind copy_tree.
func (w *walker) copiedTree(e *entry, c call, dir string, inside bool) (call, error) {
	dest, _ := c.args["dest"].(string)
	if dest == "" {
		return c, wrong(e.step.Where, "copy: dest is missing")
	}
	if !inside {
		dest = strings.TrimSuffix(dest, "/") + "/" + path.Base(dir)
	}
	files, err := w.filesBelow(dir)
	if err != nil {
		return c, wrap(e.step.Where, "copy", err)
	}
	if len(files) > mostFiles {
		return c, wrong(e.step.Where, "copy: %s has more than %d files: pack them, and use unarchive", w.pb.source.shown(dir), mostFiles)
	}
	e.tree = &tree{from: dir, dest: dest, files: files}
	return c, nil
}

// mostFiles of a folder are copied one by one.
const mostFiles = 2000

// tree is a folder of files for a host.
type tree struct {
	from, dest string
	files      []treeFile
}

// A treeFile is a file or folder of a tree.
type treeFile struct {
	name string // relative
	dir  bool
	mode string
}

func (w *walker) filesBelow(dir string) ([]treeFile, error) {
	var out []treeFile
	err := fs.WalkDir(w.pb.source.Files, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
		out = append(out, treeFile{rel, d.IsDir(), w.modeOf(name)})
		return nil
	})
	slices.SortFunc(out, func(a, b treeFile) int { return strings.Compare(a.name, b.name) })
	return out, err
}

// scripted is a script that is here, as one for the host.
func (w *walker) scripted(e *entry, c call) (call, error) {
	line, ok := c.args["cmd"].(string)
	if !ok {
		return c, wrong(e.step.Where, "script: the name of a script is missing")
	}
	words, ok := splitWords(line)
	if !ok || len(words) == 0 {
		return c, wrong(e.step.Where, "script: a quote is not closed in %s", shown(line))
	}
	found, data, err := w.local(e, "files", unquote(words[0]))
	if err != nil {
		return c, err
	}
	if data == nil {
		return c, wrong(e.step.Where, "script: %s is a folder", w.pb.source.shown(found))
	}
	c.take("decrypt")
	delete(c.args, "cmd")
	c.args["args"] = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), words[0]))
	c.args["content"], c.args["name"] = string(data), path.Base(found)
	return c, nil
}

// unpacked is an archive that is here, unpacked there.
func (w *walker) unpacked(e *entry, c call) (call, error) {
	c.take("decrypt")
	if v, ok := c.take("copy"); ok && !truthy(v) {
		c.args["remote_src"] = true
	}
	name, _ := c.args["src"].(string)
	if truthy(c.args["remote_src"]) || strings.Contains(name, "://") {
		return c, nil
	}
	found, data, err := w.local(e, "files", name)
	if err != nil {
		return c, err
	}
	if data == nil {
		return c, wrong(e.step.Where, "unarchive: %s is a folder", w.pb.source.shown(found))
	}
	delete(c.args, "remote_src")
	c.args["src"] = path.Base(found)
	c.args["content"] = string(data)
	return c, nil
}

// assembled is a file made of the pieces in a folder that is here.
func (w *walker) assembled(e *entry, c call) (call, error) {
	c.take("decrypt")
	if v, given := c.args["remote_src"]; !given || truthy(v) {
		return c, nil
	}
	name, _ := c.args["src"].(string)
	found, data, err := w.local(e, "files", name)
	if err != nil {
		return c, err
	}
	if data != nil {
		return c, wrong(e.step.Where, "assemble: %s is not a folder", w.pb.source.shown(found))
	}
	content, err := w.pieces(e, c, found)
	if err != nil {
		return c, err
	}
	for _, name := range []string{"src", "remote_src", "delimiter", "regexp", "ignore_hidden"} {
		delete(c.args, name)
	}
	c.kind, c.args["content"] = "copy", content
	return c, nil
}
