package playbooks

import (
	"fmt"
	"slices"
	"strings"
)

// collections are those whose kinds are meant by their last names.
var collections = []string{"ansible.builtin.", "ansible.legacy.", "ansible.posix.", "community.general."}

// bare is a name without such a collection in front.
func bare(name string) string {
	for _, c := range collections {
		if rest, ok := strings.CutPrefix(name, c); ok && !strings.Contains(rest, ".") {
			return rest
		}
	}
	return name
}

// A local kind is one that runs here, or half of which does.
type localKind struct {
	params []string
	needed []string
	any    bool     // any other name is an argument too
	line   string   // the argument that a free line is
	half   bool     // the other half is a kind of the library, which has the other arguments
	inner  []string // those of them that only this half gives

	only map[string]string // of some arguments: the one value that is supported, which is also what counts if none is given
}

// plainWord is how a name of an encoding is compared: utf-8, UTF8 and utf_8 are one.
func plainWord(s string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s))
}

// refuses tells why a value of an argument is not supported, if it is not.
func (k *localKind) refuses(name string, v any) string {
	want, limited := k.only[name]
	if !limited || v == nil || want == "true" && truthy(v) || plainWord(fmt.Sprint(v)) == plainWord(want) {
		return ""
	}
	return fmt.Sprintf("%s can only be %s here, not %v", name, want, v)
}

var (
	importRole  = []string{"name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from", "public", "allow_duplicates", "rolespec_validate"}
	includeRole = append(slices.Clone(importRole), "apply")
)

var localKinds = map[string]*localKind{
	"debug":    {params: []string{"msg", "var", "verbosity"}},
	"assert":   {params: []string{"that", "fail_msg", "msg", "success_msg", "quiet"}, needed: []string{"that"}},
	"fail":     {params: []string{"msg"}},
	"set_fact": {params: []string{"cacheable"}, any: true},
	"set_stats": {
		params: []string{"data", "per_host", "aggregate"}, needed: []string{"data"}},
	"add_host": {
		params: []string{"name", "hostname", "host", "groups", "group", "groupname", "groupnames"}, any: true},
	"group_by": {params: []string{"key", "parents"}, needed: []string{"key"}},
	"include_vars": {line: "file", params: []string{"file", "dir", "name", "depth", "files_matching", "ignore_files",
		"extensions", "ignore_unknown_extensions", "hash_behaviour"}, only: map[string]string{"hash_behaviour": "replace"}},
	"include_tasks":       {line: "file", params: []string{"file", "apply"}, needed: []string{"file"}},
	"import_tasks":        {line: "file", params: []string{"file"}, needed: []string{"file"}},
	"include_role":        {params: includeRole, only: map[string]string{"rolespec_validate": "true"}},
	"import_role":         {params: importRole, only: map[string]string{"rolespec_validate": "true"}},
	"meta":                {line: "action", params: []string{"action"}, needed: []string{"action"}},
	"pause":               {params: []string{"seconds", "minutes", "prompt", "echo"}},
	"wait_for_connection": {params: []string{"delay", "timeout", "sleep", "connect_timeout"}},
	"reboot": {params: []string{"reboot_timeout", "reboot_timeout_sec", "post_reboot_delay", "post_reboot_delay_sec", "pre_reboot_delay",
		"reboot_command", "test_command", "msg", "connect_timeout", "connect_timeout_sec"}},
	"setup":        {params: []string{"gather_subset", "filter", "gather_timeout"}},
	"gather_facts": {params: []string{"parallel"}},
	"validate_argument_spec": {
		params: []string{"argument_spec", "provided_arguments"}, needed: []string{"argument_spec"}},

	"template": {half: true, params: []string{"src", "dest", "path", "mode", "owner", "group", "backup", "validate", "force",
		"newline_sequence", "trim_blocks", "lstrip_blocks", "variable_start_string", "variable_end_string",
		"block_start_string", "block_end_string", "follow", "output_encoding"}, needed: []string{"src"}, only: map[string]string{"output_encoding": "utf-8"}},
	"copy": {half: true, params: []string{"src", "content", "dest", "local_follow", "decrypt"},
		inner: []string{"upload", "original_basename"},
		only:  map[string]string{"local_follow": "true", "decrypt": "true"}},
	"script": {half: true, line: "cmd", inner: []string{"content", "args", "name"}, params: []string{"cmd", "creates", "removes", "chdir", "executable", "decrypt"},
		only: map[string]string{"decrypt": "true"}},
	"unarchive": {half: true, inner: []string{"content"}, params: []string{"src", "copy", "remote_src", "decrypt"}, only: map[string]string{"decrypt": "true"}},
	"assemble":  {half: true, params: []string{"src", "remote_src", "decrypt"}, only: map[string]string{"decrypt": "true"}},
	"fetch":     {half: true, params: []string{"src", "dest", "flat", "fail_on_missing", "validate_checksum"}, needed: []string{"src", "dest"}},
}

// lines are the kinds whose argument may be a line that is a command, and the
// options that may stand in it.
var lines = map[string]string{"command": "cmd", "shell": "cmd", "raw": "cmd", "script": "cmd"}

var lineOptions = []string{"creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"}

// metas are what the kind meta can be told.
var metas = []string{
	"flush_handlers", "end_play", "end_host", "end_batch", "clear_facts", "clear_host_errors", "refresh_inventory",
	"reset_connection", "noop",
}

func isMeta(word string) bool { return slices.Contains(metas, word) }
