// Package facts is what to ask a host, and how to read the answer. Each fact is
// one file: a POSIX sh script (a section of a program) and a pure reader of what
// it prints. The scripts run in the environment of tasks' prelude (CLOUD,
// HOST_DIR and RUN_DIR are set) and change nothing.
//
// A script whose tool fails exits with a status other than 0, and then nothing
// may be concluded: an empty list is printed only if the list is empty. The
// package sends nothing, decides nothing and knows no records.
package facts

import "strings"

// A Section is one question at the end of a program.
type Section struct{ Name, Script string }

// Observe lists the questions that every visit of a host asks, in order. The
// host facts are not among them: a program asks for these before its tasks.
func Observe(frontend, node bool) []Section {
	list := []Section{{"boot", BootScript}, {"capacity", CapacityScript}, {"neighbours", NeighboursScript}}
	if frontend {
		list = append(list, Section{"others", OthersScript})
	}
	if node {
		list = append(list, Section{"domains", DomainsScript}, Section{"instances", InstancesScript}, Section{"ours", OursScript})
	}
	return list
}

// Search lists the questions that only somebody who searches a host asks.
func Search() []Section {
	return []Section{{"links", LinksScript}, {"rules", RulesScript}, {"leases", LeasesScript}}
}

// quote writes s as one word of sh.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
