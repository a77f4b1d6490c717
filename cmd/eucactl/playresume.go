package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"eucactl/playbooks"
)

// progress keeps how far a run came, for --resume: a file beside the records, written
// whenever the hindmost host gets on and removed when the run ended by itself.
type progress struct {
	path string
	kept kept
	play []string                       // hosts of the present batch that walk through it
	at   map[string]*playbooks.TaskInfo // the last task that each of them was told to do

	resumed bool // it goes on with an earlier run
	batches int  // of the present play, that the earlier run had behind it
}

// kept is what the file holds.
type kept struct {
	V     int            `json:"v"`
	Tasks string         `json:"tasks"` // sum of the playbook's tasks
	Task  string         `json:"task"`  // name of the task to begin with; empty: a play's beginning
	From  playbooks.From `json:"from"`
}

// String says where a run is gone on with.
func (k kept) String() string {
	if k.Task == "" {
		return fmt.Sprintf("resumed at the beginning of play %d", k.From.Play+1)
	}
	return fmt.Sprintf("resumed at the task %q", k.Task)
}

// progressOf is the progress of a run with its inventories.
func (a *app) progressOf(run *playbooks.Run, file string) (*progress, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	return &progress{
		path: filepath.Join(a.beside("playbooks"), sum(append([]string{abs}, absolute(a.inventories)...))+".json"),
		kept: kept{V: 2, Tasks: sum(run.TaskNames())},
	}, nil
}

func sum(words []string) string {
	s := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return fmt.Sprintf("%x", s[:8])
}

// resume is where to go on: at the first task that some host may not have ended.
func (p *progress) resume() (*playbooks.From, error) {
	data, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("--resume: no run of this playbook on this inventory was interrupted")
	}
	if err != nil {
		return nil, fmt.Errorf("--resume: %w", err)
	}
	var k kept
	if err := json.Unmarshal(data, &k); err != nil || k.V != p.kept.V {
		return nil, fmt.Errorf("--resume: %s is not what was written there: remove it", p.path)
	}
	if k.Tasks != p.kept.Tasks {
		return nil, fmt.Errorf("--resume: the playbook has other tasks now than when it was interrupted at %q: run it from the beginning, or give --start-at-task", k.Task)
	}
	p.kept, p.resumed, p.batches = k, true, k.From.Batch
	return &k.From, nil
}

// first is the earliest of the tasks that hosts were last told to do; nil if one of
// them did not begin yet.
func (p *progress) first() (task *playbooks.TaskInfo) {
	for _, h := range p.play {
		t := p.at[h]
		if t == nil {
			return nil
		}
		if task == nil || t.Place.Before(task.Place) {
			task = t
		}
	}
	return task
}

// write keeps the progress; that it cannot be is no reason to stop a run.
func (p *progress) write() {
	data, err := json.Marshal(p.kept)
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
	from := &p.kept.From
	p.play, p.at = slices.Clone(info.Hosts), map[string]*playbooks.TaskInfo{}
	if resumed := p.resumed && info.Index == from.Play && info.Batch == 0; !resumed {
		p.kept.Task, from.Path = "", ""
	}
	if info.Index != from.Play {
		from.Done, p.batches = nil, 0
	}
	from.Play, from.Batch, from.Hosts = info.Index, p.batches+info.Batch, p.play
	p.write()
}

// TaskStart implements playbooks.Events.
func (p *progress) TaskStart(*playbooks.TaskInfo) {}

// Begun implements playbooks.Events.
func (p *progress) Begun(host string, t *playbooks.TaskInfo) { p.reached(host, t) }

// Result implements playbooks.Events.
func (p *progress) Result(r playbooks.Result) { p.reached(r.Host, r.Task) }

func (p *progress) reached(host string, t *playbooks.TaskInfo) {
	if t != nil && !t.Handler {
		before := p.first()
		p.at[host] = t
		if p.first() != before {
			p.advance()
		}
	}
}

// advance notes where the hindmost host is.
func (p *progress) advance() {
	if first := p.first(); first != nil {
		p.kept.Task, p.kept.From.Path = first.Name, first.Place.Path
	}
	p.write()
}

// Left implements playbooks.Leaver.
func (p *progress) Left(host string, failed bool) {
	from := &p.kept.From
	if failed {
		from.Lost = append(from.Lost, host)
	} else {
		from.Done = append(from.Done, host)
	}
	p.play = slices.DeleteFunc(p.play, func(h string) bool { return h == host })
	from.Hosts = p.play
	p.advance()
}

// Warning implements playbooks.Events.
func (*progress) Warning(string) {}

// Stats implements playbooks.Events.
func (*progress) Stats(map[string]playbooks.Stats, playbooks.Custom) {}
