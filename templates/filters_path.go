package templates

import (
	"errors"
	"path"
	"strings"

	"eucactl/jinja"
)

// pathFilters take paths apart, as Python's os.path and ntpath do.
func pathFilters() map[string]jinja.Filter {
	return map[string]jinja.Filter{
		"basename":     onlyText(func(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }),
		"commonpath":   do(commonPath),
		"dirname":      onlyText(dirname),
		"normpath":     onlyText(normPath),
		"path_join":    do(pathJoin),
		"relpath":      jinja.F("start", relPath),
		"splitext":     do(func(c *jinja.Call) (any, error) { return splitExt(c.OnlyText()), nil }),
		"win_basename": onlyText(func(s string) string { _, rest := splitDrive(s); return rest[strings.LastIndexAny(rest, `\/`)+1:] }),
		"win_dirname":  onlyText(winDirname),
		"win_splitdrive": do(func(c *jinja.Call) (any, error) {
			d, rest := splitDrive(c.OnlyText())
			return jinja.Tuple{d, rest}, nil
		}),
	}
}

func dirname(s string) string {
	head := s[:strings.LastIndexByte(s, '/')+1]
	if trimmed := strings.TrimRight(head, "/"); trimmed != "" {
		return trimmed
	}
	return head
}

func normPath(s string) string {
	if strings.HasPrefix(s, "//") && !strings.HasPrefix(s, "///") {
		return "/" + path.Clean(s)
	}
	return path.Clean(s)
}

func splitExt(s string) jinja.Tuple {
	dot, base := strings.LastIndexByte(s, '.'), strings.LastIndexByte(s, '/')+1
	if dot <= base || strings.Trim(s[base:dot], ".") == "" {
		return jinja.Tuple{s, ""}
	}
	return jinja.Tuple{s[:dot], s[dot:]}
}

func pathJoin(c *jinja.Call) (any, error) {
	if s, ok := c.In.(string); ok {
		return s, nil
	}
	out := ""
	parts := c.InList()
	if len(parts) == 0 {
		return nil, errors.New("nothing to join")
	}
	for i, part := range parts {
		s, ok := jinja.Norm(part).(string)
		if !ok {
			return nil, errors.New("a path is made of texts")
		}
		switch {
		case strings.HasPrefix(s, "/") || i == 0 || out == "":
			out = s
		case strings.HasSuffix(out, "/"):
			out += s
		default:
			out += "/" + s
		}
	}
	return out, nil
}

// relPath is a path as seen from start. Both must be absolute, or both not: there
// is no current folder here.
func relPath(c *jinja.Call) (any, error) {
	to, from := path.Clean(c.InText()), path.Clean(c.Text(0, "."))
	if path.IsAbs(to) != path.IsAbs(from) {
		return nil, errors.New("an absolute path and one that is not have nothing in common")
	}
	a, b := pathParts(to), pathParts(from)
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	out := strings.Repeat("../", len(b)-n) + strings.Join(a[n:], "/")
	if out = strings.TrimSuffix(out, "/"); out == "" {
		return ".", nil
	}
	return out, nil
}

func pathParts(p string) []string {
	p = strings.Trim(p, "/")
	if p == "" || p == "." {
		return nil
	}
	return strings.Split(p, "/")
}

func commonPath(c *jinja.Call) (any, error) {
	var common []string
	absolute := false
	for i, v := range c.InList() {
		s, ok := jinja.Norm(v).(string)
		if !ok {
			return nil, errors.New("a path is a text")
		}
		parts := pathParts(path.Clean(s))
		if i == 0 {
			common, absolute = parts, path.IsAbs(s)
			continue
		}
		if path.IsAbs(s) != absolute {
			return nil, errors.New("an absolute path and one that is not have nothing in common")
		}
		n := 0
		for n < len(common) && n < len(parts) && common[n] == parts[n] {
			n++
		}
		common = common[:n]
	}
	out := strings.Join(common, "/")
	if absolute {
		out = "/" + out
	}
	return out, nil
}

func splitDrive(s string) (drive, rest string) {
	if len(s) > 1 && s[1] == ':' {
		return s[:2], s[2:]
	}
	return "", s
}

func winDirname(s string) string {
	drive, rest := splitDrive(s)
	head := rest[:strings.LastIndexAny(rest, `\/`)+1]
	if trimmed := strings.TrimRight(head, `\/`); trimmed != "" {
		head = trimmed
	}
	return drive + head
}
