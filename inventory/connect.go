package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// connectionVariable is something that Ansible's users say about how a host is
// reached: under any of the names, of which a later one wins.
type connectionVariable struct {
	names []string
	set   func(h *Host, v any) error
}

func connectionVariables() []connectionVariable {
	return []connectionVariable{
		{[]string{"ansible_host", "ansible_ssh_host"}, func(h *Host, v any) error { return setWord(&h.Address, v, checkAddress) }},
		{[]string{"ansible_port", "ansible_ssh_port"}, func(h *Host, v any) error { return setNumber(&h.Port, v, 65535) }},
		{[]string{"ansible_user", "ansible_ssh_user"}, func(h *Host, v any) error { return setWord(&h.User, v, checkUser) }},
		{[]string{"ansible_private_key_file", "ansible_ssh_private_key_file"}, func(h *Host, v any) error { return setWord(&h.KeyFile, v, checkPath) }},
		{[]string{"ansible_timeout", "ansible_ssh_timeout"}, func(h *Host, v any) error { return setNumber(&h.Timeout, v, 3600) }},
		{[]string{"ansible_become"}, func(h *Host, v any) (err error) { h.Become, err = readBoolean(v); return err }},
		{[]string{"ansible_become_user"}, func(h *Host, v any) error { return setWord(&h.BecomeUser, v, checkUser) }},
		{[]string{"ansible_become_method"}, checkBecomeMethod},
		{[]string{"ansible_become_flags"}, checkBecomeFlags},
		{[]string{"ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"}, func(*Host, any) error { return nil }},
		{[]string{"ansible_connection"}, setConnection},
		{[]string{"ansible_shell_type"}, checkShellType},
		{[]string{"ansible_ssh_common_args"}, checkSSHArgs},
		{[]string{"ansible_ssh_extra_args"}, checkSSHArgs},
		{[]string{"ansible_ssh_args"}, checkSSHArgs},
	}
}

// Locked says why not all variables of the host are known: a file that they are
// in is encrypted, and there is no password that opens it. It is nil when all are.
func (h *Host) Locked() error { return h.locked }

// Connect gives the host as it is reached under the variables, which are all that
// hold for it, with templates expanded and secrets revealed. What cannot be
// honoured is an error that names the place where the inventory says it. A password
// for becoming is left to whoever becomes: no Host holds one.
func (h *Host) Connect(vars map[string]any) (*Host, error) {
	out := *h
	out.Address, out.Port, out.User, out.KeyFile, out.Timeout = h.Name, 0, "", "", 0
	out.Become, out.BecomeUser, out.Connection = false, "root", SSH
	refused := refusedVariables()
	for _, c := range connectionVariables() {
		for _, name := range c.names {
			delete(refused, name)
			v, ok := vars[name]
			if !ok || v == nil || v == "" {
				continue
			}
			if err := c.set(&out, v); err != nil {
				return nil, h.wrong(name, fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		if v, ok := vars[name]; ok && v != nil && v != "" {
			return nil, h.wrong(name, fmt.Errorf("%s %s", name, refused[name]))
		}
	}
	return &out, nil
}

// reached fills the fields of how the host is reached as far as its variables say it
// plainly: without templates and secrets, and without what Connect refuses.
func (h *Host) reached() {
	plain := make(map[string]any)
	for name, v := range h.Vars {
		_, sealed := v.(*Sealed)
		if word, ok := v.(string); !sealed && !(ok && strings.Contains(word, "{{")) {
			plain[name] = v
		}
	}
	if out, err := h.Connect(plain); err == nil {
		*h = *out
	}
}

// wrong names the host, and the place if the inventory has the variable.
func (h *Host) wrong(name string, err error) error {
	if at, ok := h.WhereVar(name); ok {
		return fmt.Errorf("%s: host %s: %w", at, h.Name, err)
	}
	return fmt.Errorf("host %s: %w", h.Name, err)
}

// setWord takes a word; a number is one too.
func setWord(to *string, v any, check func(string) error) error {
	switch v.(type) {
	case string, Unsafe, int64:
		*to = fmt.Sprint(v)
		return check(*to)
	}
	return fmt.Errorf("%s where a word is needed", isA(v))
}

func setNumber(to *int, v any, most int) error {
	n, err := readNumber(v)
	if err == nil && (n < 1 || n > most) {
		err = fmt.Errorf("%d is not between 1 and %d", n, most)
	}
	*to = n
	return err
}

// readNumber reads a number that may also be written as a word, which is all that a
// template gives.
func readNumber(v any) (int, error) {
	switch v := v.(type) {
	case int64:
		return int(v), nil
	case string:
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%s where a number is needed", isA(v))
}

// readBoolean reads what Ansible takes for true and false.
func readBoolean(v any) (bool, error) {
	switch word := strings.ToLower(strings.TrimSpace(fmt.Sprint(v))); word {
	case "true", "yes", "on", "1", "t", "y":
		return true, nil
	case "false", "no", "off", "0", "f", "n":
		return false, nil
	}
	return false, fmt.Errorf("%s where true or false is needed", isA(v))
}

// plainName takes the collection off a plugin's name.
func plainName(v any) string {
	return strings.TrimPrefix(fmt.Sprint(v), "ansible.builtin.")
}

func setConnection(h *Host, v any) error {
	switch name := plainName(v); name {
	case "ssh", "smart", "paramiko", "paramiko_ssh":
		h.Connection = SSH
	case "local":
		h.Connection = Local
	default:
		return fmt.Errorf("%s is not supported; a host is reached by ssh, or is this machine (local)", shown(name))
	}
	return nil
}

func checkBecomeMethod(_ *Host, v any) error {
	if name := plainName(v); name != "sudo" {
		return fmt.Errorf("%s is not supported; only sudo is", shown(name))
	}
	return nil
}

// checkBecomeFlags accepts the flags that sudo is called with anyway.
func checkBecomeFlags(_ *Host, v any) error {
	for _, flag := range strings.Fields(fmt.Sprint(v)) {
		if !slices.Contains([]string{"-H", "-S", "-n"}, flag) {
			return fmt.Errorf("%s is not supported; sudo -H -n is what is used", shown(flag))
		}
	}
	return nil
}

func checkShellType(_ *Host, v any) error {
	if v != "sh" {
		return fmt.Errorf("only sh is supported")
	}
	return nil
}

// checkSSHArgs accepts options of ssh that ask for nothing that is not so anyway,
// or only for less care with host keys, which are always checked.
func checkSSHArgs(_ *Host, v any) error {
	words := strings.Fields(strings.NewReplacer(`"`, " ", "'", " ").Replace(fmt.Sprint(v)))
	for i := 0; i < len(words); i++ {
		word := words[i]
		option, isOption := strings.CutPrefix(word, "-o")
		if isOption && option == "" && i+1 < len(words) {
			i++
			option = words[i]
			word = "-o " + option
		}
		name, _, assigned := strings.Cut(option, "=")
		if !assigned && isOption {
			i++ // -o Name value
		}
		if word == "-C" || word == "-q" || isOption && slices.Contains(harmlessSSHOptions(), strings.ToLower(name)) {
			continue
		}
		return fmt.Errorf("%s is not supported here; put the options into ~/.ssh/config, which is read", shown(word))
	}
	return nil
}

// harmlessSSHOptions are options of ssh that may be given and change nothing.
func harmlessSSHOptions() []string {
	return []string{"controlmaster", "controlpersist", "controlpath", "stricthostkeychecking", "userknownhostsfile",
		"globalknownhostsfile", "loglevel", "batchmode", "passwordauthentication", "preferredauthentications",
		"kbdinteractiveauthentication", "compression", "updatehostkeys", "checkhostip", "connectionattempts"}
}
