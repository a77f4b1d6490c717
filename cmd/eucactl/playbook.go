package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"eucactl/controller"
	"eucactl/inventory"
	"eucactl/output"
	"eucactl/playbooks"
)

// Exit codes of playbooks, which are Ansible's.
const (
	exitFailedHosts      = 2
	exitUnreachableHosts = 4
	exitEmptyPlaybook    = 4
)

func (a *app) playbookCommand() *cobra.Command {
	var f playFlags
	cmd := &cobra.Command{
		Use:   "playbook FILE...",
		Short: "Run Ansible playbooks on the hosts of an inventory",
		Long: `Run playbooks as ansible-playbook does, with nothing on the hosts but sh: one connection and
one channel a host. What of Ansible's words is supported is in docs/playbooks.md; anything else
is an error before any host is touched.

Exit codes: 0 all went well, 1 an error (of the playbook, say), 2 tasks failed, 4 hosts unreachable (or no plays).`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runPlaybooks(cmd.Context(), &f, args) },
	}
	f.register(cmd)
	f.registerPlaybook(cmd)
	cmd.AddCommand(a.ejectCommand())
	return cmd
}

func (a *app) ejectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "eject DIR",
		Short: "Copy the built-in playbooks and templates into DIR, to be edited and used with --playbooks DIR",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := controller.EjectSite(args[0]); err != nil {
				return err
			}
			fmt.Fprintf(a.err, "written to %s; use them with: eucactl --playbooks %s reconcile --check --diff\n"+
				"set EUCACTL_PLAYBOOKS for all commands and cron, or the next one without it puts the built-in ones back\n", args[0], args[0])
			return nil
		},
	}
}

// runPlaybooks runs one after the other. All are read before any host is touched.
func (a *app) runPlaybooks(ctx context.Context, f *playFlags, files []string) error {
	s, err := a.stageset(f)
	if err != nil {
		return err
	}
	var books []*playbooks.Playbook
	for _, file := range files {
		pb, err := s.load(file)
		if empty := (*playbooks.EmptyError)(nil); errors.As(err, &empty) {
			return &exitCode{exitEmptyPlaybook, err}
		}
		if err != nil {
			return err
		}
		books = append(books, pb)
	}
	for i, pb := range books {
		inv, err := s.inventory(filepath.Dir(files[i]))
		if err != nil {
			return err
		}
		switch {
		case f.syntaxCheck:
			fmt.Fprintf(a.out, "\nplaybook: %s\n", files[i])
			continue
		case f.listHosts || f.listTasks || f.listTags:
			run := &playbooks.Run{Playbook: pb, Inventory: inv, Options: s.options, Events: output.NewOneLine(a.err)}
			if err := a.listPlays(f, run, files[i]); err != nil {
				return err
			}
			continue
		}
		stats, err := a.perform(ctx, s, pb, inv, files[i])
		if err != nil {
			return err
		}
		if a.code = exitOf(stats); a.code != 0 {
			return nil
		}
	}
	return nil
}

// perform runs one playbook, and keeps what a later --resume or a retry wants.
func (a *app) perform(ctx context.Context, s *plays, pb *playbooks.Playbook, inv *inventory.Inventory, file string) (stats map[string]playbooks.Stats, err error) {
	run := &playbooks.Run{Playbook: pb, Inventory: inv, Library: s.kinds, Options: s.options}
	progress, err := a.progressOf(run, file)
	if err != nil {
		return nil, err
	}
	if s.flags.resume {
		if run.Options.From, err = progress.resume(); err != nil {
			return nil, err
		}
		fmt.Fprintln(a.err, progress.kept)
	}
	a.resumes = "eucactl playbook " + file + " --resume"
	world := s.world()
	defer world.Close()
	events, finish := a.events(s, file, progress)
	run.Runner, run.Events = world, events
	stats, err = run.Do(ctx)
	if task := s.flags.startAt; err == nil && task != "" && !run.Met() {
		fmt.Fprintf(a.err, " [ERROR]: No matching task %q found. Note: --start-at-task can only follow static includes.\n", task)
	}
	if e := finish(); e != nil {
		err = errors.Join(err, e)
	}
	if err == nil {
		err = errors.Join(progress.done(), s.keepFailed(file, stats))
	}
	return stats, err
}

// exitOf is Ansible's exit code.
func exitOf(stats map[string]playbooks.Stats) int {
	code := 0
	for _, s := range stats {
		switch {
		case s.Failed > 0:
			return exitFailedHosts
		case s.Unreachable > 0:
			code = exitUnreachableHosts
		}
	}
	return code
}

// keepFailed writes the hosts on which something went wrong, for --limit @FILE.
func (s *plays) keepFailed(file string, stats map[string]playbooks.Stats) error {
	if s.flags.retryFile == "" {
		return nil
	}
	var failed []string
	for host, st := range stats {
		if st.Failed+st.Unreachable > 0 {
			failed = append(failed, host)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	slices.Sort(failed)
	text := ""
	for _, host := range failed {
		text += host + "\n"
	}
	if err := os.WriteFile(s.flags.retryFile, []byte(text), 0o644); err != nil {
		return fmt.Errorf("retry file: %w", err)
	}
	fmt.Fprintf(s.app.err, "to try again: eucactl playbook %s --limit @%s\n", file, s.flags.retryFile)
	return nil
}
