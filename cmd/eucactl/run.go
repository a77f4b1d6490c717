package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing/fstest"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"eucactl/inventory"
	"eucactl/output"
	"eucactl/playbooks"
)

func (a *app) runCommand() *cobra.Command {
	var f playFlags
	var kind, args string
	cmd := &cobra.Command{
		Use:   "run PATTERN",
		Short: "Run one task on the hosts of a pattern, as ansible does",
		Long: `Run one task, of kind command unless -m names another, on the hosts of a pattern.

Exit codes: 0 all went well, 1 an error, 2 the task failed, 4 hosts unreachable.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, hosts []string) error {
			if f.listHosts {
				return a.listMatching(&f, hosts[0])
			}
			return a.runTask(cmd.Context(), &f, hosts[0], kind, args)
		},
	}
	f.register(cmd)
	cmd.Flags().StringVarP(&kind, "module-name", "m", "command", "the kind of the task, see eucactl doc")
	cmd.Flags().StringVarP(&args, "args", "a", "", "its arguments: key=value words, a command line, or a mapping in JSON")
	return cmd
}

// adhoc is where the playbook of one task is: nobody else has such a file.
const adhoc = "eucactl-run"

// runTask runs a playbook of one task.
func (a *app) runTask(ctx context.Context, f *playFlags, pattern, kind, args string) error {
	if kind == "command" && strings.TrimSpace(args) == "" {
		return errors.New("no command: give it with -a, or another kind with -m")
	}
	text, err := oneTask(pattern, kind, args)
	if err != nil {
		return err
	}
	s, err := a.stageset(f)
	if err != nil {
		return err
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	file := here + "/" + adhoc
	s.source.Files = playbooks.Overlay(fstest.MapFS{strings.TrimPrefix(file, "/"): {Data: text}}, os.DirFS("/"))
	pb, err := s.load(file)
	if err != nil {
		return errors.New(strings.ReplaceAll(err.Error(), file, kind))
	}
	inv, err := s.inventory("")
	if err != nil {
		return err
	}
	if _, err := matching(inv, f, pattern); err != nil {
		return err
	}
	var shown playbooks.Events = output.NewMinimal(a.out, a.look(f))
	switch {
	case a.format == "json":
		shown = output.NewJSON(a.out)
	case f.oneLine:
		shown = output.NewOneLine(a.out)
	}
	events, _ := a.watched(s, kind, shown)
	world := s.world()
	defer world.Close()
	run := &playbooks.Run{
		Playbook: pb, Inventory: inv, Library: s.kinds, Options: s.options, Runner: world, Events: events,
	}
	stats, err := run.Do(ctx)
	if err == nil {
		a.code = exitOf(stats)
	}
	return err
}

// matching are the hosts of a pattern, at least one.
func matching(inv *inventory.Inventory, f *playFlags, pattern string) ([]*inventory.Host, error) {
	hosts, err := inv.Select(pattern, f.limit...)
	if err == nil && len(hosts) == 0 {
		err = fmt.Errorf("no host matches %q", strings.Join(append([]string{pattern}, f.limit...), " and "))
	}
	return hosts, err
}

// listMatching prints the hosts that a task would be run on.
func (a *app) listMatching(f *playFlags, pattern string) error {
	s, err := a.stageset(f)
	if err != nil {
		return err
	}
	inv, err := s.inventory("")
	if err != nil {
		return err
	}
	hosts, err := matching(inv, f, pattern)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "  hosts (%d):\n", len(hosts))
	for _, h := range hosts {
		fmt.Fprintf(a.out, "    %s\n", h.Name)
	}
	return nil
}

// oneTask is a playbook with one task.
func oneTask(pattern, kind, args string) ([]byte, error) {
	var given any = args
	if strings.HasPrefix(strings.TrimSpace(args), "{") {
		var m map[string]any
		if err := yaml.Unmarshal([]byte(args), &m); err != nil {
			return nil, fmt.Errorf("-a: %w", err)
		}
		given = m
	}
	if args == "" {
		given = nil
	}
	return yaml.Marshal([]map[string]any{{
		"hosts": pattern, "gather_facts": false, "tasks": []map[string]any{{kind: given}},
	}})
}
