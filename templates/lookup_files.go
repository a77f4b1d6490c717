package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"eucactl/jinja"
)

// fileFilters read the same files as the lookups do.
func (s *Set) fileFilters() map[string]jinja.Filter {
	return map[string]jinja.Filter{
		"fileglob": do(func(c *jinja.Call) (any, error) { return s.lookupFileglob(c, []any{c.In}, nil) }),
	}
}

// places are where a file of a name may be: an absolute one under the root, another
// one in each of the given folders.
func (s *Set) places(name string) (in []fs.FS, clean string, err error) {
	in = s.options.Files
	if path.IsAbs(name) {
		if s.options.Root == nil {
			return nil, "", fmt.Errorf("%s: absolute paths cannot be read here", name)
		}
		in = []fs.FS{s.options.Root}
	}
	clean = strings.TrimPrefix(path.Clean(name), "/")
	if !fs.ValidPath(clean) {
		return nil, "", fmt.Errorf("%s leaves the folders that can be read", name)
	}
	return in, clean, nil
}

func (s *Set) readFile(name string) (string, error) {
	in, clean, err := s.places(name)
	if err != nil {
		return "", err
	}
	for _, dir := range in {
		info, err := fs.Stat(dir, clean)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if info.Size() > maxLookup {
			return "", fmt.Errorf("%s is larger than %d bytes", name, maxLookup)
		}
		data, err := fs.ReadFile(dir, clean)
		return string(data), err
	}
	return "", fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

// maxLookup bounds a file that a lookup reads.
const maxLookup = 16 << 20

func (s *Set) lookupFile(c *jinja.Call, terms []any, options map[string]any) ([]any, error) {
	out := []any{}
	for _, term := range terms {
		name, ok := term.(string)
		if !ok {
			return nil, fmt.Errorf("%s is no name of a file", describe(term))
		}
		text, err := s.readFile(name)
		if err != nil {
			return nil, err
		}
		if v, ok := options["lstrip"]; ok && jinja.Truth(v) {
			text = strings.TrimLeft(text, " \t\r\n\v\f")
		}
		if v, ok := options["rstrip"]; !ok || jinja.Truth(v) {
			text = strings.TrimRight(text, " \t\r\n\v\f")
		}
		if err := c.SpendText(len(text)); err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// lookupFileglob are the files that match a pattern, in the first folder that has any.
func (s *Set) lookupFileglob(c *jinja.Call, terms []any, _ map[string]any) ([]any, error) {
	out := []any{}
	for _, term := range terms {
		pattern, ok := term.(string)
		if !ok {
			return nil, fmt.Errorf("%s is no pattern", describe(term))
		}
		in, clean, err := s.places(pattern)
		if err != nil {
			return nil, err
		}
		for _, dir := range in {
			found, err := filesLike(dir, clean)
			if err != nil {
				return nil, err
			}
			for _, name := range found {
				if path.IsAbs(pattern) {
					name = "/" + name
				}
				out = append(out, name)
			}
			if len(found) > 0 {
				break
			}
		}
	}
	return out, c.Spend(len(out))
}

func filesLike(dir fs.FS, pattern string) ([]string, error) {
	names, err := fs.Glob(dir, pattern)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool {
		info, err := fs.Stat(dir, name)
		return err != nil || !info.Mode().IsRegular()
	}), nil
}

// lookupFirstFound is the first of the named files that is there.
func (s *Set) lookupFirstFound(_ *jinja.Call, terms []any, options map[string]any) ([]any, error) {
	skip := jinja.Truth(options["skip"])
	var names []string
	add := func(files, paths any) {
		for _, file := range listOf(files) {
			if len(listOf(paths)) == 0 {
				names = append(names, file)
			}
			for _, dir := range listOf(paths) {
				names = append(names, path.Join(dir, file))
			}
		}
	}
	for _, term := range terms {
		list, ok := term.([]any)
		if !ok {
			list = []any{term}
		}
		for _, one := range list {
			one = jinja.Norm(one)
			if !jinja.IsMapping(one) {
				add(one, options["paths"])
				continue
			}
			files, _ := jinja.Entry(one, "files")
			paths, _ := jinja.Entry(one, "paths")
			v, _ := jinja.Entry(one, "skip")
			skip = skip || jinja.Truth(v)
			add(files, paths)
		}
	}
	if files, ok := options["files"]; ok {
		add(files, options["paths"])
	}
	for _, name := range names {
		in, clean, err := s.places(name)
		if err != nil {
			return nil, err
		}
		for _, dir := range in {
			if _, err := fs.Stat(dir, clean); err == nil {
				return []any{name}, nil
			}
		}
	}
	if skip {
		return []any{}, nil
	}
	return nil, fmt.Errorf("none of %s is there", strings.Join(names, ", "))
}

// listOf are names: a list, or a text with commas or blanks between them.
func listOf(v any) []string {
	var out []string
	switch v := jinja.Norm(v).(type) {
	case string:
		return strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(",;: ", r) })
	case []any:
		for _, item := range v {
			if s, ok := jinja.Norm(item).(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// lookupTemplate renders other templates with the variables seen here, and those of
// template_vars. What looks like a list or a mapping becomes one, unless
// convert_data=false.
func (s *Set) lookupTemplate(c *jinja.Call, terms []any, options map[string]any) ([]any, error) {
	vars, convert, layout := c.Vars(), true, map[string]any{}
	for key, v := range options {
		switch key {
		case "template_vars":
			keys, ok := jinja.Keys(v)
			if !ok {
				return nil, errors.New("template_vars is a mapping")
			}
			for _, k := range keys {
				vars[jinja.Str(k)], _ = jinja.Entry(v, k)
			}
		case "convert_data":
			convert = jinja.Truth(v)
		case "jinja2_native":
		default:
			layout[key] = v
		}
	}
	l, err := NewLayout(layout)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, term := range terms {
		name, ok := term.(string)
		if !ok {
			return nil, fmt.Errorf("%s is no name of a template", describe(term))
		}
		p := s.file(name, l)
		if p.err != nil {
			return nil, p.err
		}
		text, err := c.Render(p.template, maps.Clone(vars))
		if err != nil {
			return nil, err
		}
		v := any(padded(text, p.newlines))
		if convert {
			v = unliteral(v.(string))
		}
		out = append(out, v)
	}
	return out, nil
}
