package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"eucactl/playbooks"
)

// progress keeps how far a run came, for --resume: a file beside the records, written
// whenever a task begins and removed when the run ended by itself.
type progress struct {
	path  string
	hosts map[string]*playbooks.TaskInfo // the last task that each host was told to do; nil: none yet
	play  []string                       // hosts of the present batch
	lost  map[string]bool                // failed or unreachable
}

// kept is what the file holds.
type kept struct {
	V        int      `json:"v"`
	Playbook string   `json:"playbook"`
	Task     string   `json:"task"`
	Hosts    []string `json:"hosts"`
}

// progressOf is the progress of a playbook with its inventories.
func (a *app) progressOf(s *plays, file string) (*progress, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(abs + "\x00" + strings.Join(absolute(a.inventories), "\x00")))
	return &progress{
		path:  filepath.Join(a.beside("playbooks"), fmt.Sprintf("%x.json", sum[:8])),
		hosts: map[string]*playbooks.TaskInfo{}, lost: map[string]bool{},
	}, nil
}

// resume makes a run begin with the first task that some host may not have ended.
func (p *progress) resume(o *playbooks.Options) error {
	data, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("--resume: no run of this playbook on this inventory was interrupted")
	}
	if err != nil {
		return fmt.Errorf("--resume: %w", err)
	}
	var k kept
	if err := json.Unmarshal(data, &k); err != nil || k.V != 1 {
		return fmt.Errorf("--resume: %s is not what was written there: remove it", p.path)
	}
	o.StartAtTask = k.Task
	if len(k.Hosts) > 0 {
		o.Limit = append(o.Limit, strings.Join(k.Hosts, ","))
	}
	return nil
}

// first is the earliest of the tasks that hosts were last told to do.
func (p *progress) first() (task *playbooks.TaskInfo) {
	for _, t := range p.hosts {
		if t != nil && (task == nil || t.Place.Before(task.Place)) {
			task = t
		}
	}
	return task
}

// write keeps the progress; that it cannot be is no reason to stop a run.
func (p *progress) write() {
	task := p.first()
	if task == nil {
		return
	}
	k := kept{V: 1, Playbook: task.Play, Task: task.Name}
	for _, h := range p.play {
		if !p.lost[h] {
			k.Hosts = append(k.Hosts, h)
		}
	}
	data, err := json.Marshal(k)
	if err != nil || os.MkdirAll(filepath.Dir(p.path), 0o700) != nil {
		return
	}
	next := p.path + ".new"
	if os.WriteFile(next, data, 0o600) == nil {
		_ = os.Rename(next, p.path)
	}
}

// done: the run ended by itself.
func (p *progress) done() error {
	err := os.Remove(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// PlayStart implements playbooks.Events.
func (p *progress) PlayStart(info playbooks.PlayInfo) {
	p.play = slices.Clone(info.Hosts)
	clear(p.hosts)
}

// TaskStart implements playbooks.Events.
func (p *progress) TaskStart(*playbooks.TaskInfo) {}

// Begun implements playbooks.Events.
func (p *progress) Begun(host string, t *playbooks.TaskInfo) { p.at(host, t) }

// Result implements playbooks.Events.
func (p *progress) Result(r playbooks.Result) {
	switch {
	case r.Status == playbooks.StatusUnreachable, r.Status == playbooks.StatusFailed && !r.Ignored:
		p.lost[r.Host] = true
		delete(p.hosts, r.Host)
	default:
		p.at(r.Host, r.Task)
	}
}

func (p *progress) at(host string, t *playbooks.TaskInfo) {
	if t == nil || t.Handler || p.lost[host] {
		return
	}
	before := p.first()
	p.hosts[host] = t
	if p.first() != before {
		p.write()
	}
}

// Warning implements playbooks.Events.
func (*progress) Warning(string) {}

// Stats implements playbooks.Events: hosts that failed are not those to resume.
func (p *progress) Stats(stats map[string]playbooks.Stats) {
	for _, h := range slices.Sorted(maps.Keys(stats)) {
		delete(p.hosts, h)
	}
}
