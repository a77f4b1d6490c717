package playbooks

import (
	"slices"
)

// A Listing is a play as --list-hosts, --list-tasks and --list-tags show it.
type Listing struct {
	Name    string
	Pattern string
	Hosts   []string
	Tags    []string
	Tasks   []ListedTask
	// TaskTags are those of all its tasks.
	TaskTags []string
}

// A ListedTask is a task that the tags on the command line choose. What an
// include brings is only known when it runs.
type ListedTask struct {
	Name string // with its role in front; the kind of one without a name
	Tags []string
}

// List is what Do would run, as far as that is known without any host.
func (r *Run) List() ([]Listing, error) {
	var out []Listing
	for i := range r.Playbook.Plays {
		p := &r.Playbook.Plays[i]
		hosts, err := r.hostsOf(p, nil)
		if err != nil {
			return nil, wrap(p.Where, "hosts", err)
		}
		l := p.listing(r.Options)
		l.Hosts = hosts
		out = append(out, l)
	}
	return out, nil
}

// TaskNames are the names of all plays and of the tasks that List tells of.
func (r *Run) TaskNames() (names []string) {
	for i := range r.Playbook.Plays {
		l := r.Playbook.Plays[i].listing(r.Options)
		names = append(names, l.Name)
		for _, t := range l.Tasks {
			names = append(names, t.Name)
		}
	}
	return names
}

func (p *Play) listing(o Options) Listing {
	l := Listing{Name: p.name(), Pattern: p.Hosts, Tags: p.Tags, TaskTags: []string{}}
	for _, steps := range [][]Step{p.PreTasks, p.Roles, p.Tasks, p.PostTasks} {
		l.add(steps, p.Tags, o)
	}
	slices.Sort(l.TaskTags)
	l.TaskTags = slices.Compact(l.TaskTags)
	return l
}

func (l *Listing) add(steps []Step, around []string, o Options) {
	for _, s := range steps {
		tags := slices.Compact(slices.Sorted(slices.Values(slices.Concat(around, s.Tags))))
		if s.IsBlock() {
			for _, inner := range [][]Step{s.Block, s.Rescue, s.Always} {
				l.add(inner, tags, o)
			}
			continue
		}
		if !o.selected(tags) {
			continue
		}
		name := s.Kind
		if s.Name != "" {
			name = s.full(s.Name)
		}
		l.Tasks = append(l.Tasks, ListedTask{name, tags})
		l.TaskTags = append(l.TaskTags, tags...)
	}
}
