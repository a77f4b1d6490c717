// Command probe sends and answers numbered packets, so that stories can say exactly which of them passed. It is built
// without C and runs in guests (e2e puts it into their image), on lab hosts and outside.
//
//	probe serve tcp:80 udp:53 udp+:7001 ...    answers, naming its host; with + it also sends all the time by itself;
//	                                           counts what arrives on eth0, and keeps /run/probe (see serve.go)
//	probe knock TARGET ...                     sends packets of their own to each target and counts the answers
//	probe talk 10s TARGET ...                  keeps one flow to each target going, and says who answered which numbers
//	probe forwarded 10s IN OUT PORT            counts the segments of a tcp port that enter a router and leave it
//
// A TARGET is tcp:ADDRESS:PORT, udp:ADDRESS:PORT or icmp:ADDRESS. One that begins with "!" is expected to be silent: its
// answers are waited for less patiently, but counted like any other's. The exit status is 0 unless probe itself is in
// trouble: what is right or wrong is the story's to say.
//
// Under any other name it is a gate in front of the program of that name (see gate.go).
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if name := filepath.Base(os.Args[0]); name != "probe" {
		if err := gate(name); err != nil {
			fmt.Fprintln(os.Stderr, "gate:", err)
			os.Exit(126)
		}
	}
	verbs := map[string]func([]string) error{"serve": serve, "knock": knock, "talk": talk, "forwarded": forwarded}
	if len(os.Args) < 2 || verbs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: probe serve|knock|talk|forwarded ...")
		os.Exit(2)
	}
	if err := verbs[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}
