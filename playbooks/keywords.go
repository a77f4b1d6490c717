package playbooks

import (
	"strings"

	"eucactl/spelling"
)

// A keyword is a word of the dialect. In lists what may have it: play (p), role
// (r), block (b), task (t), handler (h), import_playbook (i).
type keyword struct {
	name string
	in   string
	how  support
	note string // what differs, or what to do instead
}

type support int

const (
	supported support = iota
	differs
	refused
)

// Where a keyword may stand.
const (
	everywhere = "prbthi"
	inside     = "rbth"
	onTasks    = "th"
	onPlay     = "p"
)

// keywords is the dialect; docs/playbooks.md has it as a table.
var keywords = []keyword{
	{"name", everywhere, supported, ""},
	{"vars", everywhere, supported, ""},
	{"tags", everywhere, supported, ""},
	{"environment", everywhere, supported, ""},
	{"module_defaults", everywhere, differs, "groups of modules (group/...) are refused: name each kind"},
	{"become", everywhere, supported, ""},
	{"become_user", everywhere, supported, ""},
	{"become_method", everywhere, differs, "sudo only"},
	{"become_flags", everywhere, refused, "sudo is called as sudo -n, with no other flags"},
	{"become_exe", everywhere, refused, "sudo is looked for in the usual places"},
	{"remote_user", everywhere, supported, ""},
	{"connection", everywhere, differs, "ssh (also smart, paramiko) and local"},
	{"port", everywhere, supported, ""},
	{"no_log", everywhere, supported, ""},
	{"run_once", everywhere, supported, ""},
	{"ignore_errors", everywhere, supported, ""},
	{"ignore_unreachable", everywhere, supported, ""},
	{"check_mode", everywhere, supported, ""},
	{"diff", everywhere, supported, ""},
	{"any_errors_fatal", everywhere, supported, ""},
	{"throttle", everywhere, supported, ""},
	{"timeout", everywhere, supported, ""},
	{"collections", everywhere, differs, "accepted: kinds of ansible.builtin, ansible.posix and community.general need no list"},
	{"debugger", everywhere, refused, "use --step, or the kind debug"},

	{"when", "rbthi", supported, ""},
	{"delegate_to", inside, supported, ""},
	{"delegate_facts", inside, supported, ""},
	{"notify", "bth", supported, ""},

	{"with_*", onTasks, supported, ""},
	{"loop", onTasks + "b", differs, "a block may have one too: its items go their own ways"},
	{"loop_control", onTasks + "b", supported, ""},
	{"until", onTasks, differs, "for kinds that ask the host, not for debug, assert and the like"},
	{"retries", onTasks, supported, ""},
	{"delay", onTasks, supported, ""},
	{"register", onTasks, supported, ""},
	{"changed_when", onTasks, supported, ""},
	{"failed_when", onTasks, supported, ""},
	{"args", onTasks, supported, ""},
	{"action", onTasks, supported, ""},
	{"local_action", onTasks, supported, ""},
	{"listen", "h", supported, ""},
	{"async", onTasks, refused, "a task may take as long as it needs; timeout ends it"},
	{"poll", onTasks, refused, "a task may take as long as it needs; timeout ends it"},

	{"block", "bt", supported, ""},
	{"rescue", "b", supported, ""},
	{"always", "b", supported, ""},

	{"hosts", onPlay, supported, ""},
	{"gather_facts", onPlay, differs, "only facts that something reads are gathered, together with the first tasks"},
	{"gather_subset", onPlay, differs, "accepted: what is read is gathered"},
	{"gather_timeout", onPlay, differs, "accepted: gathering takes milliseconds"},
	{"fact_path", onPlay, refused, "use slurp, or the kind setup with the folder's files"},
	{"vars_files", onPlay, supported, ""},
	{"vars_prompt", onPlay, differs, "encrypt, salt and unsafe are refused; answers may come from stdin, whose end is the default"},
	{"serial", onPlay, supported, ""},
	{"max_fail_percentage", onPlay, supported, ""},
	{"force_handlers", onPlay, supported, ""},
	{"strategy", onPlay, differs, "linear and free; both go on at each host's own pace between the steps that hosts share"},
	{"order", onPlay, supported, ""},
	{"roles", onPlay, supported, ""},
	{"pre_tasks", onPlay, supported, ""},
	{"tasks", onPlay, supported, ""},
	{"post_tasks", onPlay, supported, ""},
	{"handlers", onPlay, supported, ""},

	{"import_playbook", "i", supported, ""},
	{"role", "r", supported, ""},
}

// plainSettings are the keywords that are kept by their names, for whoever needs
// them while the playbook runs.
var plainSettings = []string{
	"become", "become_user", "become_method", "remote_user", "connection", "port", "no_log", "run_once",
	"ignore_errors", "ignore_unreachable", "check_mode", "diff", "any_errors_fatal", "throttle", "timeout",
	"delegate_to", "delegate_facts", "gather_facts", "max_fail_percentage", "force_handlers", "strategy", "order",
}

// findKeyword is the keyword that may stand in such a place.
func findKeyword(name, in string) (keyword, bool) {
	for _, k := range keywords {
		if k.name == name && strings.Contains(k.in, in) {
			return k, true
		}
	}
	return keyword{}, false
}

// keywordsIn are the names of all keywords of a place.
func keywordsIn(in string) []string {
	var out []string
	for _, k := range keywords {
		if strings.Contains(k.in, in) && k.how != refused {
			out = append(out, k.name)
		}
	}
	return out
}

// hints say what to write instead of what is spelt otherwise in this dialect.
var hints = map[string]string{
	"include":  "use include_tasks, or import_tasks",
	"sudo":     "use become",
	"su":       "use become, which is sudo",
	"hosts":    "hosts belong to the play",
	"roles":    "roles belong to the play; a task can be include_role",
	"serial":   "serial belongs to the play",
	"rescue":   "rescue belongs to a block",
	"always":   "always belongs to a block",
	"listen":   "only handlers listen",
	"register": "only a task has a result",
}

// unknown reports a key that a play, role, block or task does not take.
func (r *reader) unknown(p pair, what, in string) {
	name := bare(p.name)
	if k, ok := findKeyword(name, in); ok && k.how == refused {
		r.wrong(p.key, "%s does not take %q here: %s", what, p.name, k.note)
		return
	}
	known := keywordsIn(in)
	if s := spelling.DidYouMean(name, known); s != "" {
		r.wrong(p.key, "%s does not take %q%s", what, p.name, s)
		return
	}
	if hint, ok := hints[name]; ok {
		r.wrong(p.key, "%s does not take %q: %s", what, p.name, hint)
		return
	}
	r.wrong(p.key, "%s does not take %q", what, p.name)
}
