package playbooks

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"eucactl/ordered"
)

// fileLookups are the lookups about files here. They look where tasks look, and
// give paths that every task finds.
type fileLookups struct {
	src  *Source
	from *File
}

// glob are the files that patterns name: of each in the first folder that has any.
func (l fileLookups) glob(terms []any, _ map[string]any) ([]any, error) {
	out := []any{}
	for _, t := range flat(terms) {
		pattern := fmt.Sprint(t)
		for _, dir := range l.src.places(l.from, "files", path.Dir(pattern)) {
			found, err := fs.Glob(l.src.Files, path.Join(dir, path.Base(pattern)))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", pattern, err)
			}
			found = slices.DeleteFunc(found, l.src.isDir)
			slices.Sort(found)
			for _, f := range found {
				out = append(out, l.src.shown(f))
			}
			if len(found) > 0 {
				break
			}
		}
	}
	return out, nil
}

// firstFound is the first of some files that is there.
func (l fileLookups) firstFound(terms []any, options map[string]any) ([]any, error) {
	files, paths := namesOf(options["files"]), namesOf(options["paths"])
	skip := truthy(options["skip"])
	for _, t := range flat(terms) {
		m, ok := ordered.Names(t)
		if !ok {
			files = append(files, fmt.Sprint(t))
			continue
		}
		files, paths = append(files, namesOf(m["files"])...), append(paths, namesOf(m["paths"])...)
		skip = skip || truthy(m["skip"])
	}
	if len(paths) == 0 {
		paths = []string{""}
	}
	for _, dir := range paths {
		for _, f := range files {
			for _, kind := range []string{"files", "templates", "vars", "tasks"} {
				if found, ok := l.src.find(l.from, kind, path.Join(dir, f)); ok && !l.src.isDir(found) {
					return []any{l.src.shown(found)}, nil
				}
			}
		}
	}
	if skip {
		return []any{}, nil
	}
	return nil, fmt.Errorf("none of these files is there: %s", strings.Join(files, ", "))
}

// content is what files here hold, opened if they are encrypted.
func (l fileLookups) content(terms []any, options map[string]any) ([]any, error) {
	out := []any{}
	for _, t := range flat(terms) {
		name, ok := l.src.find(l.from, "files", fmt.Sprint(t))
		if !ok {
			return nil, noFile("file", fmt.Sprint(t))
		}
		data, err := l.src.read("file", name)
		if err != nil {
			return nil, err
		}
		text := string(data)
		if truthy(options["lstrip"]) {
			text = strings.TrimLeft(text, " \t\r\n")
		}
		if strip, given := options["rstrip"]; !given || truthy(strip) {
			text = strings.TrimRight(text, " \t\r\n")
		}
		out = append(out, text)
	}
	return out, nil
}

// flat lays lists in a list side by side.
func flat(list []any) []any {
	out := []any{}
	for _, item := range list {
		if inner, ok := item.([]any); ok {
			out = append(out, flat(inner)...)
			continue
		}
		out = append(out, item)
	}
	return out
}
