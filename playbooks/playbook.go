// Package playbooks holds the built-in playbooks, reads those of users, and walks
// through a playbook for a host: what can be decided beforehand becomes one program
// for that host, and only where a result's content is needed there is another. The
// dialect is Ansible's; what of it is not understood is an error with file and
// line, never skipped. Nothing here reaches a host.
package playbooks

import "fmt"

// Playbook is a playbook that was read, with those it imports in their places.
type Playbook struct {
	File  string
	Plays []Play

	source *Source // reads what is included while it runs
}

// Position is a place in a playbook.
type Position struct {
	File string
	Line int
}

// String is the position as file:line.
func (p Position) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Play is a list of tasks for the hosts of a pattern.
type Play struct {
	Where Position
	Keywords
	Hosts     string
	VarsFiles []VarsFile
	Prompts   []Prompt
	Serial    []Setting // sizes of the batches, one after the other

	PreTasks  []Step
	Roles     []Step // each the block of a role
	Tasks     []Step
	PostTasks []Step
	Handlers  []Step // those of its roles, its own, then those of imported roles
}

// Keywords are what plays, blocks and tasks have in common. What an inner one sets
// wins; vars, tags, conditions and environments add up.
type Keywords struct {
	Name        string
	Vars        []Var
	Tags        []string
	When        []Expr
	Environment []Setting
	Defaults    []Default          // module_defaults
	Settings    map[string]Setting // the others, by their names
}

// A Setting is the value of a keyword as written: it may be a template.
type Setting struct {
	Where Position
	Value any
}

// A Default is an argument that all tasks of a kind have.
type Default struct {
	Kind string
	Args []Arg
}

// Var is a variable of a play, a block or a task, as written.
type Var struct {
	Where Position
	Name  string
	Value any

	fixed  bool        // known to have no template in it
	result *pendingVar // that it was registered as
	at     string      // the path of the task that set it, while a play runs
	older  *Var        // what it was before, for hosts that have not come as far
}

// VarsFile is an entry of vars_files: the first of these files that exists.
type VarsFile struct {
	Where Position
	Names []string
}

// Prompt is a variable that whoever runs the playbook is asked for.
type Prompt struct {
	Where   Position
	Name    string
	Text    string
	Default any
	Private bool
	Confirm bool
}

// Step is a task, or a block of steps.
type Step struct {
	Where Position
	Keywords
	Kind   string // of a task; empty for a block
	Called string // the kind as written
	Args   []Arg
	Whole  *Setting // args that are one template, which gives a mapping
	Block  []Step
	Rescue []Step
	Always []Step
	Role   *Role     // the block is this role
	File   *File     // the file that the step stands in, where files are looked for
	Apply  *Keywords // of an include: what all it brings has

	Loop    *Loop
	Until   []Expr
	Retries *Setting
	Delay   *Setting
	Notify  []Setting
	Listen  []string

	Register    string
	ChangedWhen []Expr
	FailedWhen  []Expr
}

// IsBlock tells a block from a task.
func (s Step) IsBlock() bool { return s.Kind == "" }

// full is a task's name with its role in front, as Ansible has it: not that of an
// include_role.
func (s Step) full(name string) string {
	if s.File == nil || s.File.Role == nil || s.Kind == "include_role" {
		return name
	}
	return s.File.Role.Name + " : " + name
}

// Role is a role as one place uses it.
type Role struct {
	Where     Position
	Name      string
	Dir       string // in the source's file system
	Path      string // for people
	Defaults  []Var
	Vars      []Var
	Params    []Var // given where it is used
	Handlers  []Step
	Needs     []*Role // its dependencies
	By        *Role   // the role that depends on it
	In        *Role   // the role that includes it
	Public    bool    // its variables are seen by the whole play
	Duplicate bool    // it may run again
	Specs     []Spec  // of its arguments

	instance string     // the same where it is given the same
	around   []Keywords // where it is used, its own last: its handlers have them too
}

// instance is that of the role that a step is of; empty for one of no role.
func (s Step) instance() string {
	if s.File == nil || s.File.Role == nil {
		return ""
	}
	return s.File.Role.instance
}

// File is where a step was written.
type File struct {
	Path string
	Role *Role
}

// Arg is a named argument of a task, as written.
type Arg struct {
	Where Position
	Name  string
	Value any
}

// Expr is a condition, as written.
type Expr struct {
	Where Position
	Text  string
}

// Loop repeats a task or a block for each of its items.
type Loop struct {
	Where    Position
	Items    any    // a list, or text with one expression that gives a list
	With     string // the lookup of a with_: "dict", "sequence" ...
	Var      string // the item's variable
	Label    any    // what stands for the item in names
	Index    string // the variable for its number
	Pause    *Setting
	Extended bool
	All      bool // ansible_loop has allitems
}

// Error is what is wrong with a playbook, and where.
type Error struct {
	Where   Position
	Message string
	Err     error // the cause, if there is one beyond the message
}

// Error is file:line: message.
func (e *Error) Error() string {
	s := e.Where.String() + ": " + e.Message
	switch {
	case e.Err == nil:
		return s
	case e.Message == "":
		return s + e.Err.Error()
	}
	return s + ": " + e.Err.Error()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

func wrong(at Position, format string, args ...any) *Error {
	return &Error{Where: at, Message: fmt.Sprintf(format, args...)}
}

func wrap(at Position, what string, err error) *Error {
	return &Error{Where: at, Message: what, Err: err}
}
