package output

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"eucactl/playbooks"
)

// mostProfiled is how many tasks Profile lists.
const mostProfiled = 20

// Profile lists, at the end, the tasks on which hosts worked longest: the slowest
// host of each, since hosts work at the same time.
type Profile struct {
	w    io.Writer
	took map[string]time.Duration // by place and name
	name map[string]string
}

// NewProfile writes to w.
func NewProfile(w io.Writer) *Profile {
	return &Profile{w: w, took: map[string]time.Duration{}, name: map[string]string{}}
}

// Result implements playbooks.Events.
func (p *Profile) Result(r playbooks.Result) {
	if r.Task == nil || r.HasItem {
		return
	}
	key := r.Task.Place.String() + " " + r.Task.Name
	p.took[key] = max(p.took[key], r.Took)
	p.name[key] = r.Task.Name
}

// Stats implements playbooks.Events.
func (p *Profile) Stats(map[string]playbooks.Stats, playbooks.Custom) {
	keys := make([]string, 0, len(p.took))
	for key := range p.took {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(p.took[b], p.took[a]), strings.Compare(a, b))
	})
	for _, key := range keys[:min(len(keys), mostProfiled)] {
		name := harmless(p.name[key])
		fmt.Fprintf(p.w, "%s %s %8.2fs\n", name, strings.Repeat("-", max(68-len(name), 3)), p.took[key].Seconds())
	}
}

// What a profile does not look at.

func (*Profile) PlayStart(playbooks.PlayInfo)      {}
func (*Profile) TaskStart(*playbooks.TaskInfo)     {}
func (*Profile) Begun(string, *playbooks.TaskInfo) {}
func (*Profile) Warning(string)                    {}
