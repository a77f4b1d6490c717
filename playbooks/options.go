package playbooks

// Options are what the command line says about a run.
type Options struct {
	Extra          map[string]any // -e: they win over all other variables
	Tags, SkipTags []string
	Limit          []string // patterns, each of which narrows the hosts further
	Check, Diff    bool
	Become         bool   // -b
	BecomeUser     string // --become-user
	BecomeMethod   string // --become-method
	BecomePassword string // -K
	User           string // -u: below all variables
	Connection     string // -c: below all variables
	StartAtTask    string // the name, or a glob, of the task to begin with
	From           *From  // go on there
	Step           bool   // ask before each task
	ForceHandlers  bool
	FlushCache     bool
	Forks          int
	Verbosity      int
	Roles          []string // folders to look for roles in, after those beside the playbook
}
