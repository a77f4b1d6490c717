package main

import (
	"fmt"
	"strings"

	"eucactl/playbooks"
)

// listPlays prints what a playbook would be run on, and of what it consists.
func (a *app) listPlays(f *playFlags, run *playbooks.Run, file string) error {
	listed, err := run.List()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\nplaybook: %s\n", file)
	for i, p := range listed {
		fmt.Fprintf(a.out, "\n  play #%d (%s): %s\tTAGS: [%s]\n", i+1, p.Pattern, p.Name, strings.Join(p.Tags, ", "))
		if f.listHosts {
			fmt.Fprintf(a.out, "    pattern: [%s]\n    hosts (%d):\n", quotedList(strings.Split(p.Pattern, ",")), len(p.Hosts))
			for _, h := range p.Hosts {
				fmt.Fprintf(a.out, "      %s\n", h)
			}
		}
		if f.listTasks {
			fmt.Fprintln(a.out, "    tasks:")
			for _, t := range p.Tasks {
				fmt.Fprintf(a.out, "      %s\tTAGS: [%s]\n", t.Name, strings.Join(t.Tags, ", "))
			}
		}
		if f.listTags {
			fmt.Fprintf(a.out, "      TASK TAGS: [%s]\n", strings.Join(p.TaskTags, ", "))
		}
	}
	return nil
}

func quotedList(words []string) string {
	for i, w := range words {
		words[i] = "'" + w + "'"
	}
	return strings.Join(words, ", ")
}
