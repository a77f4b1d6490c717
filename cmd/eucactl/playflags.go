package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// playFlags are Ansible's flags, under their names.
type playFlags struct {
	limit, extra, tags, skipTags           []string
	check, diff                            bool
	forks, verbosity, timeout, taskTimeout int

	user, privateKey, connection         string
	become, askBecome                    bool
	becomeUser, becomeMethod, becomeFile string
	vault                                vaultFlags
	library, roles                       []string
	oneLine                              bool
	startAt, junit, retryFile            string
	step, forceHandlers, profile, resume bool
	listHosts, listTasks, listTags       bool
	syntaxCheck                          bool
	pipeLookups                          bool
}

// register adds the flags of all commands that run tasks on hosts.
func (f *playFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringArrayVarP(&f.limit, "limit", "l", nil, "only the hosts of this pattern, or of @FILE, a host a line")
	fs.StringArrayVarP(&f.extra, "extra-vars", "e", nil, "variables that win over all others: key=value, YAML or JSON, or @FILE")
	fs.BoolVarP(&f.check, "check", "C", false, "say what would change, and change nothing")
	fs.BoolVarP(&f.diff, "diff", "D", false, "show how files change")
	fs.IntVarP(&f.forks, "forks", "f", 50, "hosts at a time")
	fs.CountVarP(&f.verbosity, "verbose", "v", "show the fields of results; -vv also where tasks are written")
	fs.StringVarP(&f.user, "user", "u", "", "log in as this user, where the inventory has none")
	fs.StringVar(&f.privateKey, "private-key", "", "the key to log in with")
	fs.StringVarP(&f.connection, "connection", "c", "", "ssh or local")
	fs.IntVarP(&f.timeout, "timeout", "T", 10, "seconds to connect")
	fs.IntVar(&f.taskTimeout, "silence", 300, "seconds that a host may say nothing before it is given up as timed out")
	fs.BoolVarP(&f.become, "become", "b", false, "become another user")
	fs.StringVar(&f.becomeUser, "become-user", "", "who to become (default root)")
	fs.StringVar(&f.becomeMethod, "become-method", "sudo", "sudo; su for those who log in as root")
	fs.BoolVarP(&f.askBecome, "ask-become-pass", "K", false, "ask for the password of sudo")
	fs.StringVar(&f.becomeFile, "become-password-file", "", "file with the password of sudo")
	f.vault.addTo(fs)
	fs.StringArrayVarP(&f.library, "module-path", "M", nil, "folder with kinds of your own (*.sh), beside library/ next to the playbook")
	fs.BoolVar(&f.oneLine, "one-line", false, "a line a result")
	fs.BoolVar(&f.listHosts, "list-hosts", false, "print the hosts, of each play, and run nothing")
	fs.BoolVar(&f.pipeLookups, "allow-pipe", false, "let lookup('pipe', ...) run programs here")
}

// registerPlaybook adds those of whole playbooks.
func (f *playFlags) registerPlaybook(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringSliceVarP(&f.tags, "tags", "t", nil, "only tasks with these tags")
	fs.StringSliceVar(&f.skipTags, "skip-tags", nil, "no tasks with these tags")
	fs.StringArrayVar(&f.roles, "roles-path", nil, "folder to look for roles in, after those beside the playbook")
	fs.BoolVar(&f.listTasks, "list-tasks", false, "print the tasks of each play, and run nothing")
	fs.BoolVar(&f.listTags, "list-tags", false, "print the tags of each play, and run nothing")
	fs.BoolVar(&f.syntaxCheck, "syntax-check", false, "read the playbooks, and run nothing")
	fs.StringVar(&f.startAt, "start-at-task", "", "begin with the task of this name")
	fs.BoolVar(&f.step, "step", false, "ask before each task")
	fs.BoolVar(&f.forceHandlers, "force-handlers", false, "run handlers also of hosts where a task failed")
	fs.BoolVar(&f.profile, "profile", false, "list the slowest tasks at the end")
	fs.StringVar(&f.junit, "junit", "", "write a JUnit file")
	fs.StringVar(&f.retryFile, "retry-file", "", "write hosts with failures into this file, for --limit @FILE")
	fs.BoolVar(&f.resume, "resume", false, "go on where the last run of this playbook was interrupted")
}

// contradicts are flags that cannot be meant together.
func (f *playFlags) contradicts() error {
	switch {
	case f.askBecome && f.becomeFile != "":
		return fmt.Errorf("--ask-become-pass and --become-password-file: give one")
	case f.resume && f.startAt != "":
		return fmt.Errorf("--resume and --start-at-task: give one")
	case len(f.limit) > 1:
		return fmt.Errorf("--limit twice: give one pattern, %s for the hosts of either, or %s for those of both",
			strings.Join(f.limit, ","), strings.Join(f.limit, ":&"))
	case f.forks < 1:
		return fmt.Errorf("--forks %d: at least one host at a time", f.forks)
	case f.connection != "" && f.connection != "ssh" && f.connection != "local":
		return fmt.Errorf("--connection %q: it is ssh or local", f.connection)
	}
	return nil
}
