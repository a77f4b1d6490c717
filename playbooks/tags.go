package playbooks

import "slices"

// selected tells whether the tags on the command line choose a task that has tags.
func (o Options) selected(tags []string) bool {
	has := func(list []string) bool {
		for _, t := range list {
			switch {
			case t == "all" && !slices.Contains(tags, "never"):
				return true
			case t == "tagged" && len(tags) > 0, t == "untagged" && len(tags) == 0:
				return true
			case slices.Contains(tags, t):
				return true
			}
		}
		return false
	}
	wanted := o.Tags
	if len(wanted) == 0 {
		wanted = []string{"all"}
	}
	always := slices.Contains(tags, "always")
	if has(o.SkipTags) && !(always && !slices.Contains(o.SkipTags, "always")) {
		return false
	}
	return always || has(wanted)
}
