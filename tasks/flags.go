package tasks

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	handlerKey  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	environName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// write writes the lines that stand before a task with flags.
func (f Flags) write(b *strings.Builder) {
	var words []string
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+"="+value)
		}
	}
	add("changed", string(f.Changed))
	add("failed", string(f.Failed))
	add("check", string(f.Check))
	add("diff", string(f.Diff))
	if f.Timeout > 0 {
		add("timeout", fmt.Sprint(f.Timeout))
	}
	for _, key := range f.Notify {
		add("notify", key)
	}
	add("handler", f.Handler)
	add("handled", f.Handled)
	if len(words) > 0 {
		fmt.Fprintf(b, "flags %s\n", strings.Join(words, " "))
	}
	if len(f.Environment) > 0 {
		var script strings.Builder
		for _, v := range f.Environment {
			fmt.Fprintf(&script, "export %s=%s\n", v.Name, quote(v.Value))
		}
		fmt.Fprintf(b, "environment %s\n", quote(script.String()))
	}
}

func (f Flags) valid() error {
	for _, s := range []Switch{f.Changed, f.Failed, f.Check, f.Diff} {
		if s != "" && s != Yes && s != No {
			return fmt.Errorf("a flag is %q, neither yes nor no", s)
		}
	}
	for _, key := range append([]string{f.Handler, f.Handled}, f.Notify...) {
		if key != "" && !handlerKey.MatchString(key) {
			return fmt.Errorf("the key of a handler is %q, not one plain word", key)
		}
	}
	for _, v := range f.Environment {
		if !environName.MatchString(v.Name) {
			return fmt.Errorf("environment: %q is no name for a variable", v.Name)
		}
		if strings.ContainsRune(v.Value, 0) {
			return fmt.Errorf("environment: %s contains a NUL byte", v.Name)
		}
	}
	return nil
}
