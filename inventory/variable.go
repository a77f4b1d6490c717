package inventory

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"eucactl/spelling"
)

// groupPriority is Ansible's variable that lets a group win over others of the
// same depth. It belongs to the group and reaches no host.
const groupPriority = "ansible_group_priority"

// variable is a variable where it is written. Its parsed value is that of a
// setting; it is nil for variables of the user's own and for settings that were
// complained about, which are kept so that nobody calls them missing as well.
type variable struct {
	value  any
	parsed any
	at     Position
}

// ignoredVariables are Ansible's own that are accepted and have no effect here,
// with the reason.
func ignoredVariables() map[string]string {
	return map[string]string{
		"ansible_python_interpreter":  "no Python is used on hosts",
		"ansible_pipelining":          "every program is already sent in one piece",
		"ansible_ssh_pipelining":      "every program is already sent in one piece",
		"ansible_ssh_transfer_method": "files travel over sftp or within the program",
		"ansible_scp_if_ssh":          "files travel over sftp or within the program",
		"ansible_remote_tmp":          "nothing is kept in a temporary folder",
		"ansible_ssh_retries":         "reconcile tries again by itself",
		"ansible_shell_type":          "programs are sent to /bin/sh",
		"ansible_shell_executable":    "programs are sent to /bin/sh",
		"ansible_become_method":       "sudo -n is what is used",
	}
}

// refusedVariables are Ansible's own that would change what happens if they were
// honoured and are not, with what to do instead.
func refusedVariables() map[string]string {
	const (
		args     = "is not supported; put the options into ~/.ssh/config, which is read"
		password = "is not supported; passwords do not belong in an inventory: use a key or the SSH agent"
		sudo     = "is not supported; passwords do not belong in an inventory: let sudo -n work for this user (NOPASSWD)"
		keys     = "is not supported; host keys are always checked: enrol them with eucactl hosts scan"
	)
	return map[string]string{
		"ansible_ssh_common_args":           args,
		"ansible_ssh_extra_args":            args,
		"ansible_ssh_args":                  args,
		"ansible_sftp_extra_args":           args,
		"ansible_scp_extra_args":            args,
		"ansible_ssh_executable":            args,
		"ansible_password":                  password,
		"ansible_ssh_pass":                  password,
		"ansible_ssh_password":              password,
		"ansible_become_password":           sudo,
		"ansible_become_pass":               sudo,
		"ansible_sudo_pass":                 sudo,
		"ansible_host_key_checking":         keys,
		"ansible_ssh_host_key_checking":     keys,
		"ansible_ssh_host":                  "is an old name; write ansible_host",
		"ansible_ssh_port":                  "is an old name; write ansible_port",
		"ansible_ssh_user":                  "is an old name; write ansible_user",
		"ansible_private_key_file":          "is another name; write ansible_ssh_private_key_file",
		"ansible_sudo":                      "is an old name; write ansible_become",
		"ansible_sudo_user":                 "is an old name; write ansible_become_user",
		"ansible_become_exe":                "is not supported; sudo -n is what is used",
		"ansible_become_flags":              "is not supported; sudo -n is what is used",
		"ansible_ssh_private_key":           "is not supported; name the key's file in ansible_ssh_private_key_file",
		"ansible_ssh_private_key_file_path": "is not known; did you mean ansible_ssh_private_key_file?",
	}
}

// vocabulary knows the names of variables.
type vocabulary struct {
	settings map[string]setting
	ignored  map[string]string
	refused  map[string]string
	names    []string // of settings, sorted
}

func newVocabulary() vocabulary {
	v := vocabulary{settings: make(map[string]setting), ignored: ignoredVariables(), refused: refusedVariables()}
	for _, s := range settings() {
		v.settings[s.name] = s
		v.names = append(v.names, s.name)
	}
	sort.Strings(v.names)
	return v
}

// reserved says whether names like this one are ours or Ansible's, so that an
// unknown one is a typing error and not a variable of the user's.
func reserved(name string) bool {
	for _, prefix := range []string{"vnet_", "ansible_", "eucactl_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// checkName refuses names that mean nothing here and were probably meant to.
// All other names are the user's own variables, for playbooks.
func (v vocabulary) checkName(name string) error {
	if _, ok := v.settings[name]; ok || v.ignored[name] != "" {
		return nil
	}
	if advice := v.refused[name]; advice != "" {
		return fmt.Errorf("%s %s", name, advice)
	}
	if len(name) > 128 || !variableNameExpr.MatchString(name) {
		return fmt.Errorf("%s is not a variable name; letters, digits and _, beginning with a letter or _", shown(name))
	}
	lower := strings.ToLower(name)
	if _, ok := v.settings[lower]; ok {
		return fmt.Errorf("unknown variable %s; variables are written in small letters: %s", name, lower)
	}
	if hint := didYouMean(lower, v.names); reserved(lower) && hint != "" {
		return fmt.Errorf("unknown variable %s%s", name, hint)
	}
	if reserved(lower) {
		return fmt.Errorf("unknown variable %s; a variable of your own may not begin with vnet_, ansible_ or eucactl_", name)
	}
	for _, known := range v.names {
		if spelling.Distance(lower, known) <= 2 {
			return fmt.Errorf("unknown variable %s; did you mean %s? (a variable of your own needs a name less like it)", name, known)
		}
	}
	return nil
}

// variable reads one entry of a vars or host mapping; ok is false when the host
// or group does not get it.
func (r *reader) variable(p pair) (variable, bool) {
	if r.lenient {
		value, ok := r.document.value(p.value, 1)
		return r.taken(p.key, value, p.at), ok
	}
	err, checked := r.checked[p.key]
	if !checked {
		err = r.vocabulary.checkName(p.key)
		r.checked[p.key] = err
	}
	if err != nil {
		r.problems.add(p.at, "%v", err)
		return variable{}, false
	}
	value, ok := r.document.value(p.value, 1)
	out := variable{value: value, at: p.at}
	if why := r.vocabulary.ignored[p.key]; ok && why != "" {
		r.ignore(p, value, why)
	}
	known, isSetting := r.vocabulary.settings[p.key]
	if !ok || !isSetting {
		return out, true
	}
	parsed, err := parseSetting(known, value)
	if err != nil {
		for _, one := range eachError(err) {
			r.problems.add(r.itemPosition(p, one), "%s: %v", p.key, one)
		}
		return out, true
	}
	out.parsed = parsed
	if name, ok := value.(string); ok && namesInterface(p.key) {
		if meant := meantInterface(name); meant != "" {
			r.note(p.at, "%s: %s is an unusual name for an interface; did you mean %s?", p.key, shown(name), meant)
		}
	}
	return out, true
}

// taken is a variable of a user's own inventory. Nothing is wrong with it before a
// play connects with it; see Host.Connect.
func (r *reader) taken(name string, value any, at Position) variable {
	out := variable{value: value, at: at}
	why := r.vocabulary.ignored[name]
	if _, told := r.checked[name]; why != "" && !told && name != "ansible_become_method" && name != "ansible_shell_type" {
		r.checked[name] = nil // once is enough: many hosts may say it
		r.note(at, "%s has no effect: %s", name, why)
	}
	if name == groupPriority {
		n, err := readNumber(value)
		if err != nil {
			r.problems.add(at, "%s: %v", name, err)
			return out
		}
		out.parsed = n
	}
	return out
}

func parseSetting(s setting, value any) (any, error) {
	if value == nil {
		return nil, errors.New("it has no value; write one or leave the line away")
	}
	if word, ok := value.(string); ok && (strings.Contains(word, "{{") || strings.Contains(word, "{%")) {
		return nil, errors.New("templates are not expanded in the inventory; write the value itself")
	}
	return s.parse(value)
}

// ignore notes a variable without effect; one whose value asks for something
// that will not happen is an error.
func (r *reader) ignore(p pair, value any, why string) {
	if p.key == "ansible_become_method" && value != "sudo" {
		r.problems.add(p.at, "%s: only sudo is supported", p.key)
		return
	}
	if p.key == "ansible_shell_type" && value != "sh" {
		r.problems.add(p.at, "%s: only sh is supported", p.key)
		return
	}
	r.note(p.at, "%s has no effect: %s", p.key, why)
}

// itemPosition is the line of the list item that an error is about, or of the
// variable.
func (r *reader) itemPosition(p pair, err error) Position {
	var item itemError
	n := target(p.value)
	if errors.As(err, &item) && n.Kind == yaml.SequenceNode && item.index < len(n.Content) {
		return r.document.at(n.Content[item.index])
	}
	return p.at
}
