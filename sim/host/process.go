package host

import (
	"slices"
	"strconv"
	"strings"
)

// A process is one shell and the programs it is sent: one, or the two stages.
type process struct {
	m      *Machine
	s      *session
	faults Faults
	out    []byte

	mark, cloud, login       string
	hostDir, runDir          string
	lockPath                 string
	check, diff              bool
	acts, diffs              string
	program                  *program
	was                      map[string]string // task -> outcome
	offered                  string
	wanted, taskWants        []string
	quiet, taskQuiet         bool
	fetched, staged          bool
	locked, fenced, bad      bool
	task, kindName           string
	lines, commands          int
	deaf, lost, killed, over bool
	status                   int
	counted                  bool
	reached                  bool // a task was: from here on a full disk is full
}

func newProcess(s *session) *process {
	return &process{m: s.m, s: s, faults: s.faults, deaf: s.deaf, was: map[string]string{}}
}

// end unwinds a process, as exit and kill -9 do.
type end struct{}

// live runs programs until one exits or no more input comes.
func (p *process) live() {
	for !p.over {
		pr, err := p.s.nextProgram()
		if pr == nil {
			p.finish()
			return
		}
		if p.faults.Late && !p.deaf {
			p.m.layBy(p.s, pr)
			p.lost = true
			return
		}
		p.m.mu.Lock()
		p.run(pr, err)
		p.m.mu.Unlock()
		p.flush()
	}
}

// finish is the end of a shell whose input ended.
func (p *process) finish() {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	p.release()
}

// layBy keeps a program whose connection was lost before a word of it was read.
func (m *Machine) layBy(s *session, pr *program) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := s.faults
	f.Late = false
	m.waiting = append(m.waiting, &latecomer{program: pr, faults: f})
}

// run is one program, with the machine's mutex held.
func (p *process) run(pr *program, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(end); !ok {
				panic(r)
			}
			p.over = true
			p.release()
		}
	}()
	p.program = pr
	p.settings(pr.set)
	if err != nil {
		p.say("hello 1")
		p.stop("the model of a host cannot read this program: " + err.Error())
	}
	for _, words := range pr.statements {
		if !p.statement(words) {
			return
		}
	}
}

func (p *process) settings(set map[string]string) {
	p.mark, p.cloud, p.login = set["MARK"], set["CLOUD"], set["LOGIN"]
	p.check, p.diff = set["CHECK"] != "", set["DIFF"] != ""
	p.hostDir, p.runDir, p.lockPath = set["HOST_DIR"], set["RUN_DIR"], set["LOCK"]
	p.acts, p.diffs = set["ACTS"], set["DIFFS"]
}

// statement obeys one line of the manifest; false: the program's function returned.
func (p *process) statement(words []string) bool {
	args := words[1:]
	switch words[0] {
	case "open_run":
		p.openRun()
	case "take_lock":
		p.takeLock()
	case "pass_fence":
		p.passFence(args[0], args[1], args[2:])
	case "stage_facts":
		p.count()
		p.stageFacts(args[0], args[1])
	case staged:
		return !p.staged
	case "wants":
		p.wants(args[1:])
	case "quiet":
		p.quiet = true
	case "task":
		p.count()
		p.reached = true
		p.runTask(args[0], args[1], args[2], args[3:])
	case "section":
		p.count()
		p.section(args[0], args[1])
	case "close_run":
		p.count()
		p.closeRun()
	default:
		p.stop("the model of a host knows no statement " + words[0])
	}
	return true
}

// count notes, once, that the program is past lock and fence.
func (p *process) count() {
	if !p.counted {
		p.counted = true
		p.m.runs++
	}
}

// say is a line of ours. A reader that is gone ends the program here.
func (p *process) say(words string) {
	p.lines++
	switch {
	case p.deaf:
		return
	case p.faults.Lose == p.lines:
		p.lost = true
		p.exit(1)
	case p.faults.Deaf == p.lines:
		p.flush()
		p.lost, p.deaf = true, true
		p.s.setDeaf()
		return
	case p.s.readerGone():
		p.exit(1)
	}
	p.out = append(p.out, '\n')
	p.out = append(append(p.out, p.mark...), ' ')
	p.out = append(append(p.out, words...), '\n')
}

// print is a tool or a kind speaking.
func (p *process) print(text string) {
	if !p.deaf {
		p.out = append(p.out, text...)
	}
}

// words prints a line and returns rc, the exit status of whoever says so.
func (p *process) words(rc int, text string) int {
	p.print(text + "\n")
	return rc
}

func (p *process) stop(why string) {
	p.say("stopped " + why)
	p.exit(1)
}

func (p *process) exit(status int) {
	p.status = status
	panic(end{})
}

func (p *process) flush() {
	if len(p.out) > 0 {
		p.s.hand(p.out)
		p.out = nil
	}
}

// readLine is the shell's read. Others may use the machine meanwhile.
func (p *process) readLine() (string, bool) {
	p.flush()
	p.m.mu.Unlock()
	defer p.m.mu.Lock()
	return p.s.nextLine()
}

// release lets the lock go, as the end of a process does.
func (p *process) release() {
	if p.m.lock.owner == p {
		p.m.lock.owner = nil
	}
	delete(p.m.lock.shared, p)
}

// do runs one command that changes the host, unless the program is killed in front
// of it. Whoever is told of it may look at the machine.
func (p *process) do(what string, command func()) {
	p.commands++
	if p.faults.Kill == p.commands {
		p.killed = true
		p.exit(137)
	}
	command()
	if f := p.m.onCommand; f != nil {
		kind := p.kindName
		p.m.mu.Unlock()
		defer p.m.mu.Lock()
		f(kind, what)
	}
}

// act is a command of a test's own kind: its status counts as a change if it is 0.
func (p *process) act(what string, command func() int) (rc int) {
	p.do(what, func() { rc = command() })
	return rc
}

// dead tells whether a tool does not work today.
func (p *process) dead(tool string) bool { return slices.Contains(p.faults.Dead, tool) }

// full tells whether a file at path cannot be written: what is in /run is memory.
func (p *process) full(path string) bool {
	return p.faults.Full && p.reached && !strings.HasPrefix(path, "/run/")
}

// write makes a file beside its place, in one command, or fails as a full disk lets it.
func (p *process) write(path, content string, mode int) int {
	if p.full(path) {
		return p.words(1, "write error: "+path+": No space left on device")
	}
	if !p.m.files.isDir(dirOf(path)) || p.m.files.isDir(path) {
		return p.words(2, "cannot create "+path)
	}
	p.do("write "+path, func() { p.m.files.put(path, content, mode) })
	return 0
}

// replace writes path.new and renames it.
func (p *process) replace(path, content string, mode int) int {
	if rc := p.write(path+".new", content, mode); rc != 0 {
		return rc
	}
	return p.rename(path+".new", path)
}

func (p *process) rename(from, to string) int {
	if !p.m.files.exists(from) {
		return p.words(1, "mv: cannot stat '"+from+"': No such file or directory")
	}
	p.do("mv "+from+" "+to, func() { p.m.files.rename(from, to) })
	return 0
}

// remove is rm -f: what is not there is no change.
func (p *process) remove(paths ...string) {
	for _, path := range paths {
		if p.m.files.exists(path) || p.m.files.isLink(path) {
			p.do("rm "+path, func() { p.m.files.removeAll(path) })
		}
	}
}

// mkdir is mkdir -p.
func (p *process) mkdir(path string, mode int) int {
	if p.m.files.isDir(path) {
		return 0
	}
	if p.full(path) || !p.m.files.canMake(path) {
		return p.words(1, "mkdir: cannot create directory '"+path+"'")
	}
	p.do("mkdir "+path, func() { p.m.files.mkdirAll(path, mode) })
	return 0
}

// chmod sets a mode; one that is so already is no change.
func (p *process) chmod(path string, mode int) {
	if f := p.m.files.at(path); f != nil && f.mode != mode {
		p.do("chmod "+path, func() { p.m.files.own(path, mode, f.owner) })
	}
}

// blob is a content by its sum.
func (p *process) blob(sum string) (content string, ok bool) {
	if content, ok = p.program.blobs[sum]; ok {
		return content, true
	}
	path := p.hostDir + "/blobs.tmp/" + sum
	if p.program.uploads[sum] {
		if content, ok = p.m.files.read(path); ok {
			return content, true
		}
		p.words(1, "cat: "+path+": No such file or directory")
		return "", false
	}
	p.words(127, "blob_"+sum+": not found")
	return "", false
}

// uploaded is the path of an upload.
func (p *process) uploaded(sum string) (path string, ok bool) {
	path = p.hostDir + "/blobs.tmp/" + sum
	if !p.m.files.isFile(path) {
		p.words(2, "blob "+sum+" was not uploaded")
		return "", false
	}
	return path, true
}

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// readWord cuts a line as read does: the first word, and the rest without blanks around.
func readWord(line string) (first, rest string) {
	first, rest, _ = strings.Cut(strings.Trim(line, " \t"), " ")
	return first, strings.Trim(rest, " \t")
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}
