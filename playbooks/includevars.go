package playbooks

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// doIncludeVars reads variables of a file, or of all files of a folder.
func doIncludeVars(w *walker, e *entry, c call) (map[string]any, error) {
	src := w.pb.source
	files, err := varsFilesOf(src, e.step.File, c.args)
	if err != nil {
		return nil, failing(map[string]any{"msg": err.Error()})
	}
	set := map[string]Var{}
	shownFiles := []any{}
	for _, f := range files {
		vars, err := src.varsOf(f)
		if err != nil {
			return nil, failing(map[string]any{"msg": err.Error()})
		}
		for _, v := range vars {
			set[v.Name] = v
		}
		shownFiles = append(shownFiles, src.shown(f))
	}
	plain := map[string]any{}
	for name, v := range set {
		plain[name] = v.Value
	}
	if name, ok := c.args["name"].(string); ok && name != "" {
		set = map[string]Var{name: {Where: e.step.Where, Name: name, Value: plain}}
		plain = map[string]any{name: plain}
	}
	for _, name := range sortedNames(set) {
		e.undo = append(e.undo, w.mem.remember(w.mem.included, set[name], w.place))
	}
	return map[string]any{"changed": false, "ansible_facts": plain, "ansible_included_var_files": shownFiles}, nil
}

// varsFilesOf are the files that include_vars means.
func varsFilesOf(src *Source, from *File, args map[string]any) ([]string, error) {
	if dir, ok := args["dir"].(string); ok {
		found, ok := src.find(from, "vars", dir)
		if !ok || !src.isDir(found) {
			return nil, fmt.Errorf("there is no folder %s", dir)
		}
		return chosenFiles(src, found, args)
	}
	name, ok := args["file"].(string)
	if !ok || name == "" {
		return nil, fmt.Errorf("file or dir is needed")
	}
	found, ok := src.find(from, "vars", name)
	if !ok {
		return nil, fmt.Errorf("could not find or access '%s': looked in %s", name, src.shownAll(src.places(from, "vars", name)))
	}
	return []string{found}, nil
}

func chosenFiles(src *Source, dir string, args map[string]any) ([]string, error) {
	var match *regexp.Regexp
	if text, ok := args["files_matching"].(string); ok && text != "" {
		var err error
		if match, err = regexp.Compile(text); err != nil {
			return nil, fmt.Errorf("files_matching: %w", err)
		}
	}
	ignored, err := ignoredFiles(args["ignore_files"])
	if err != nil {
		return nil, err
	}
	depth, _ := numberOf(args["depth"])
	endings := []string{"yaml", "yml", "json"}
	if list, ok := args["extensions"].([]any); ok {
		endings = nil
		for _, x := range list {
			endings = append(endings, fmt.Sprint(x))
		}
	}
	var out []string
	for _, f := range src.list(dir, func(one string) bool {
		level := strings.Count(strings.TrimPrefix(one, dir), "/")
		return src.isDir(one) && depth > 0 && level >= int(depth)
	}) {
		base := path.Base(f)
		switch {
		case slices.ContainsFunc(ignored, func(re *regexp.Regexp) bool { return re.MatchString(base) }), match != nil && !match.MatchString(base):
		case !slices.Contains(endings, strings.TrimPrefix(path.Ext(f), ".")):
			if !truthy(args["ignore_unknown_extensions"]) {
				return nil, fmt.Errorf("%s does not have a valid extension: %s", src.shown(f), strings.Join(endings, ", "))
			}
		default:
			out = append(out, f)
		}
	}
	return out, nil
}

// ignoredFiles are expressions that the ends of names match: a list of them, or a text with blanks between.
func ignoredFiles(v any) ([]*regexp.Regexp, error) {
	words, ok := v.([]any)
	if text, isText := v.(string); isText {
		for _, word := range strings.Fields(text) {
			words = append(words, word)
		}
	} else if !ok && v != nil {
		return nil, fmt.Errorf("ignore_files is a list of expressions, not %s", describeValue(v))
	}
	var out []*regexp.Regexp
	for _, word := range words {
		re, err := regexp.Compile("(?:" + fmt.Sprint(word) + ")$")
		if err != nil {
			return nil, fmt.Errorf("ignore_files: %w", err)
		}
		out = append(out, re)
	}
	return out, nil
}

// varsOf reads a file of variables while the playbook runs.
func (src *Source) varsOf(name string) ([]Var, error) {
	r := src.reader(name, nil)
	data, err := src.read("file", name)
	if err != nil {
		return nil, err
	}
	root := r.document(data)
	if root == nil || isNull(root) {
		return nil, r.err()
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s must be stored as a dictionary/hash", src.shown(name))
	}
	vars := r.vars(root)
	return vars, r.err()
}

// loadFiles reads the files of vars_files: of each entry the first that exists.
func (w *walker) loadFiles(a around) error {
	for _, f := range w.play.VarsFiles {
		var tried []string
		found := false
		for _, name := range f.Names {
			text := ""
			err := w.resolve(nil, &a, func() (err error) {
				text, err = a.scope.string(name)
				return err
			})
			if err != nil {
				if len(f.Names) > 1 && !isEnd(err) {
					continue
				}
				return wrap(f.Where, "vars_files", err)
			}
			one, ok := w.pb.source.find(&File{Path: w.pb.source.name(w.play.Where.File)}, "vars", text)
			if tried = append(tried, text); !ok {
				continue
			}
			vars, err := w.pb.source.varsOf(one)
			if err != nil {
				return wrap(f.Where, "vars_files", err)
			}
			w.vars.vars = append(slices.Clip(w.vars.vars), vars...)
			a.scope.play = w.vars
			found = true
			break
		}
		if !found {
			return wrong(f.Where, "vars_files: there is no %s", strings.Join(tried, ", nor "))
		}
	}
	return nil
}
