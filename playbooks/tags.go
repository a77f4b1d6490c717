package playbooks

import "slices"

// selected tells whether the tags on the command line choose a task that has tags.
func (o Options) selected(tags []string) bool {
	return o.wants(tags) && !o.skips(tags)
}

// wants tells whether --tags chooses a task; without it all are chosen but those
// that are tagged never.
func (o Options) wants(tags []string) bool {
	never := slices.Contains(tags, "never")
	wanted := o.Tags
	if len(wanted) == 0 {
		wanted = []string{"all"}
	}
	return slices.Contains(tags, "always") || slices.ContainsFunc(wanted, func(t string) bool {
		return t == "all" && !never || t == "tagged" && len(tags) > 0 && !never || named(tags, t)
	})
}

// skips tells whether --skip-tags leaves a task out. Of those tagged always, all
// leaves out none: they have to be meant by another word.
func (o Options) skips(tags []string) bool {
	always := slices.Contains(tags, "always") && !slices.Contains(o.SkipTags, "always")
	return slices.ContainsFunc(o.SkipTags, func(t string) bool {
		return t == "all" && !always || t == "tagged" && len(tags) > 0 || named(tags, t)
	})
}

// named tells whether a word of the command line is one of a task's tags.
func named(tags []string, word string) bool {
	return word == "untagged" && len(tags) == 0 || slices.Contains(tags, word)
}
