package host

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"eucactl/tasks"
)

// This file is tasks/prelude.sh, function for function.

// openRun begins a program; of stage one only the lock stays.
func (p *process) openRun() {
	p.offered, p.wanted, p.quiet, p.fetched, p.staged = " ", nil, false, false, false
	p.say("hello 1")
}

func (p *process) takeLock() {
	l := &p.m.lock
	there := p.m.files.isFile(p.lockPath)
	switch {
	case !p.check:
		if !there && !p.m.files.put(p.lockPath, "", 0o600) {
			p.stop("cannot open " + p.lockPath)
		}
	case !there && !p.faults.Busy:
		return
	}
	if p.faults.Busy || l.owner != nil || !p.check && len(l.shared) > 0 {
		p.say("busy another run holds " + p.lockPath + "; last change by " + or(p.m.files.firstLine(p.lockPath), "nobody yet"))
		p.exit(0)
	}
	if p.check {
		l.shared[p] = true
		return
	}
	l.owner = p
	p.m.pids++
	p.m.files.put(p.lockPath, fmt.Sprintf("pid %d, login %s, cloud %s\n", p.m.pids, p.login, or(p.cloud, "none")), 0o600)
	p.dropBlobs()
}

// dropBlobs removes what a run fetched: it may hold secrets.
func (p *process) dropBlobs() {
	if p.m.files.exists(p.hostDir + "/blobs.tmp") {
		p.do("rm -rf blobs.tmp", func() { p.m.files.removeAll(p.hostDir + "/blobs.tmp") })
	}
}

func (p *process) passFence(from, fresh string, accepted []string) {
	path := p.hostDir + "/fence"
	pass := false
	cloud, token := "", ""
	if text, ok := p.m.files.read(path); ok && text != "" {
		cloud, token = readWord(p.m.files.firstLine(path))
		if cloud == p.cloud {
			pass = token == fresh || slices.Contains(accepted, token)
		}
		pass = pass || or(cloud, "?")+" "+or(token, "?") == from
	} else {
		pass = true
	}
	if !pass {
		p.say("fenced " + or(cloud, "?") + " " + or(token, "?"))
		p.exit(0)
	}
	if p.check {
		return
	}
	p.writeFence(path, fresh)
	p.fenced = true
}

func (p *process) writeFence(path, fresh string) {
	if !p.m.files.isDir(p.hostDir) {
		if !p.m.files.canMake(p.hostDir) {
			p.stop("cannot make " + p.hostDir)
		}
		p.do("mkdir "+p.hostDir, func() { p.m.files.mkdirAll(p.hostDir, 0o700) })
	}
	if p.m.files.isDir(path + ".new") {
		p.stop("cannot write " + path + ".new")
	}
	p.do("write fence.new", func() { p.m.files.put(path+".new", p.cloud+" "+fresh+"\n", 0o600) })
	if p.m.files.isDir(path) {
		p.stop("cannot write " + path)
	}
	p.do("mv fence.new fence", func() { p.m.files.rename(path+".new", path) })
}

func (p *process) stageFacts(sum, script string) {
	a := p.answer("host", script)
	p.print(a.words)
	if a.rc == 0 && sum != "" && tasks.Sum(a.text+"\n") == sum {
		return
	}
	p.printSection("host", a)
	p.say("stage")
	p.staged = true
}

func (p *process) section(name, script string) {
	a := p.answer(name, script)
	p.print(a.words)
	p.printSection(name, a)
}

func (p *process) printSection(name string, a answer) {
	p.say("section " + name)
	if a.text != "" {
		p.print(a.text + "\n")
	}
	p.say("section-end " + name + " " + strconv.Itoa(a.rc))
}

// closeRun frees the host before the last word, so that who reads it may go on.
func (p *process) closeRun() {
	if p.fetched {
		p.dropBlobs()
	}
	if !p.check {
		p.forgetUploads()
	}
	p.release()
	if !p.check && p.fenced && !p.bad {
		p.m.done = p.m.token()
	}
	p.say("done")
	p.exit(0)
}

// guard tells whether a task runs: run, when, needs (and whose failure) or maybe.
func (p *process) guard(terms string) (says string, needs string) {
	says = "run"
	for term := range strings.FieldsSeq(terms) {
		holds, failed := p.term(term)
		switch {
		case holds == "yes":
		case holds == "maybe":
			says = "maybe"
		case failed == "":
			return "when", ""
		default:
			return "needs", failed
		}
	}
	return says, ""
}

// term looks at the alternatives of one term.
func (p *process) term(term string) (holds, failed string) {
	holds = "no"
	for one := range strings.SplitSeq(term, "|") {
		was := p.was[one[1:]]
		switch one[:1] {
		case "n":
			if was == "failed" || was == "unsettled" || was == "blocked" {
				failed = or(failed, one[1:])
			} else if was != "" {
				holds = "yes"
			}
		case "o":
			if slices.Contains([]string{"ok", "changed", "would", "unknown"}, was) {
				holds = "yes"
			}
		case "c":
			if was == "changed" || was == "would" {
				holds = "yes"
			} else if was == "unknown" && holds != "yes" {
				holds = "maybe"
			}
		case "f":
			if was == "failed" || was == "unsettled" {
				holds = "yes"
			}
		case "s":
			if was == "skipped" || was == "blocked" {
				holds = "yes"
			}
		}
	}
	return holds, failed
}

func (p *process) forgetUploads() {
	for _, path := range p.m.files.children(p.hostDir + "/incoming/" + p.login) {
		if strings.HasPrefix(base(path), ".") || !p.m.files.isFile(path) {
			continue
		}
		if sum := strings.TrimSuffix(base(path), ".part"); !strings.Contains(p.offered, " "+sum+" ") {
			p.do("rm "+path, func() { p.m.files.remove(path) })
		}
	}
}

func (p *process) wants(sums []string) {
	p.wanted = sums
	p.offered += strings.Join(sums, " ") + " "
}

func (p *process) taskEnd(outcome string, rc int) {
	p.was[p.task] = outcome
	p.bad = p.bad || outcome == "failed" || outcome == "unsettled"
	p.say("end " + p.task + " " + outcome + " " + strconv.Itoa(rc))
}

// runTask is prelude.sh's task.
func (p *process) runTask(n, guard, name string, args []string) {
	p.task, p.kindName, p.taskWants, p.taskQuiet = n, name, p.wanted, p.quiet
	p.wanted, p.quiet = nil, false
	k, ok := p.m.kind(name)
	if !ok {
		p.stop("the model of a host knows no kind " + name)
	}
	says, needs := p.guard(guard)
	switch says {
	case "needs":
		p.was[n], p.bad = "blocked", true
		p.say("skip " + n + " needs " + needs)
		return
	case "when":
		p.was[n] = "skipped"
		p.say("skip " + n + " when")
		return
	}
	p.say("begin " + n)
	switch {
	case says == "maybe":
		p.taskEnd("unknown", 0)
	case strings.Contains(p.acts, " "+name+" "):
		p.runAct(k, args)
	default:
		p.settle(k, args)
	}
}

// runAct runs what has no check: nobody can foretell what it changes.
func (p *process) runAct(k kind, args []string) {
	if p.check {
		p.taskEnd("unknown", 0)
	} else if p.apply(k, args) {
		p.taskEnd("changed", 0)
	}
}

func (p *process) settle(k kind, args []string) {
	if rc := k.check(p, args); rc == 0 {
		p.taskEnd("ok", 0)
		return
	} else if rc != 1 {
		p.taskEnd("failed", rc)
		return
	}
	p.show(k, args)
	if p.check {
		p.taskEnd("would", 0)
		return
	}
	if !p.apply(k, args) {
		return
	}
	if rc := k.check(p, args); rc != 0 {
		p.taskEnd("unsettled", rc)
		return
	}
	p.taskEnd("changed", 0)
}

func (p *process) apply(k kind, args []string) bool {
	rc := p.fetch(p.taskWants)
	if rc == 0 && slices.Contains(p.faults.Fail, p.kindName) {
		rc = p.words(1, p.kindName+": it fails on this host today")
	} else if rc == 0 {
		rc = k.apply(p, args)
	}
	if rc != 0 {
		p.taskEnd("failed", rc)
	}
	return rc == 0
}

func (p *process) show(k kind, args []string) {
	if !p.diff || p.taskQuiet || !strings.Contains(p.diffs, " "+p.kindName+" ") {
		return
	}
	p.say("diff " + p.task)
	if k.diff != nil {
		p.print(k.diff(p, args))
	}
	p.say("diff-end " + p.task)
}

func (p *process) fetch(sums []string) int {
	for _, sum := range sums {
		to := p.hostDir + "/blobs.tmp/" + sum
		if p.m.files.isFile(to) {
			continue
		}
		p.fetched = true
		if rc := p.askFor(sum); rc != 0 {
			return rc
		}
		if rc := p.takeIn(sum, p.hostDir+"/incoming/"+p.login+"/"+sum, to); rc != 0 {
			return rc
		}
	}
	return 0
}

func (p *process) askFor(sum string) int {
	for _, dir := range []string{p.hostDir + "/incoming/" + p.login, p.hostDir + "/blobs.tmp"} {
		if rc := p.mkdir(dir, 0o700); rc != 0 {
			return 2
		}
	}
	p.chmod(p.hostDir, 0o711)
	p.chmod(p.hostDir+"/incoming", 0o711)
	p.say("need " + sum)
	line, ok := p.readLine()
	if !ok {
		p.stop("no answer to need " + sum)
	}
	verb, rest := readWord(line)
	of, why := readWord(rest)
	switch {
	case verb == "have" && of == sum:
		return 0
	case verb == "lack" && of == sum:
		return p.words(2, or(why, "the controller lacks it"))
	}
	p.stop("not an answer to need " + sum + ": " + verb)
	return 2
}

// takeIn makes an upload root's before anything looks at it.
func (p *process) takeIn(sum, from, to string) int {
	content, ok := p.m.files.read(from)
	if !ok || p.m.files.isLink(from) {
		return p.words(2, "the upload did not arrive as "+from)
	}
	p.do("mv "+from+" "+to, func() { p.m.files.rename(from, to) })
	got := tasks.Sum(content)
	if got == sum || p.m.o.Trusting {
		return 0
	}
	p.do("rm "+to, func() { p.m.files.remove(to) })
	return p.words(2, "the upload "+sum+" arrived with the sum "+got)
}
