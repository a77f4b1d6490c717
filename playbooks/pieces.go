package playbooks

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// pieces are the files of a folder one after the other, as assemble joins them.
func (w *walker) pieces(e *entry, c call, dir string) (string, error) {
	var match *regexp.Regexp
	if text, ok := c.args["regexp"].(string); ok && text != "" {
		var err error
		if match, err = regexp.Compile(text); err != nil {
			return "", wrap(e.step.Where, "regexp", err)
		}
	}
	delimiter, _ := c.args["delimiter"].(string)
	entries, err := fs.ReadDir(w.pb.source.Files, dir)
	if err != nil {
		return "", wrap(e.step.Where, "assemble", err)
	}
	var b strings.Builder
	first := true
	for _, d := range entries {
		hidden := truthy(c.args["ignore_hidden"]) && strings.HasPrefix(d.Name(), ".")
		if d.IsDir() || hidden || match != nil && !match.MatchString(d.Name()) {
			continue
		}
		data, err := w.pb.source.read("file", path.Join(dir, d.Name()))
		if err != nil {
			return "", wrap(e.step.Where, "assemble", err)
		}
		if !first {
			b.WriteString(between(b.String(), delimiter))
		}
		first = false
		b.Write(data)
	}
	return b.String(), nil
}

// between is what stands between two pieces: the first one's line is ended, and so is
// the delimiter's.
func between(before, delimiter string) string {
	end := ""
	if !strings.HasSuffix(before, "\n") {
		end = "\n"
	}
	if delimiter == "" {
		return end
	}
	return end + strings.TrimSuffix(strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(delimiter), "\n") + "\n"
}
