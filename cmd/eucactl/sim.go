package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"eucactl/sim"
)

func (a *app) simCommand() *cobra.Command {
	var seed uint64
	var n int
	cmd := &cobra.Command{
		Use:   "sim [-- COMMAND [ARG...] [-- COMMAND ...]]",
		Short: "Play random histories of a cloud on model hosts, or rehearse commands on a copy of the records",
		Long: "Play random histories of a whole cloud in this process, on model hosts: verbs of several users, lost\n" +
			"connections, killed programs, dead tools, reboots, crashes of the controller, restored backups. After every step the\n" +
			"laws are checked: nothing runs twice, nothing belongs to two, nothing is destroyed that no record ended ...\n" +
			"Everything comes from the seed; a history that breaks a law is shortened and printed. No real host, record or\n" +
			"inventory is read or touched.\n\n" +
			"With commands after --, they are rehearsed: --state names a copy of the records (eucactl state export >DUMP), each\n" +
			"host of the inventory is a model that is as the records say and answers if it did when it was asked last. What each\n" +
			"host would be told and how its files would differ is shown; nothing is recorded and no host is contacted.",
	}
	f := cmd.Flags()
	f.Uint64Var(&seed, "seed", 1, "the first history's seed")
	f.IntVar(&n, "histories", 1, "how many histories, of this seed and those after it; of a single one every step is printed")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		a.aside = true
		played := cmd.Flags().Changed("seed") || cmd.Flags().Changed("histories")
		switch dash := cmd.ArgsLenAtDash(); {
		case dash == 0 && len(args) > 0 && played:
			return fmt.Errorf("--seed and --histories are for histories, commands after -- for a rehearsal: one of the two")
		case dash == 0 && len(args) > 0:
			return a.rehearse(cmd.Context(), args)
		case len(args) > 0:
			return fmt.Errorf("%q: commands to rehearse come after --", args[0])
		case a.stateDir != "":
			return fmt.Errorf("no command to rehearse on %s: it comes after --", a.stateDir)
		case n < 1:
			return fmt.Errorf("--histories %d: at least 1", n)
		}
		stage, err := sim.Open()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stage.Close()) }()
		if n == 1 {
			return a.playOne(stage, seed)
		}
		begin := time.Now()
		tally, err := stage.Seek(cmd.Context(), seed, n, a.simProgress(begin))
		fmt.Fprintf(a.out, "%s\n", tally.In(time.Since(begin)))
		return err
	}
	return cmd
}

func (a *app) playOne(stage *sim.Stage, seed uint64) error {
	_, log, err := stage.Play(seed, sim.History(seed))
	for _, line := range log {
		fmt.Fprintln(a.out, line)
	}
	if err != nil {
		return stage.Shorten(&sim.Failure{Seed: seed, Steps: sim.History(seed), Log: log, Err: err})
	}
	fmt.Fprintf(a.out, "seed %d: every law held\n", seed)
	return nil
}

// simProgress says now and then how far it is.
func (a *app) simProgress(begin time.Time) func(sim.Tally) {
	last := begin
	return func(t sim.Tally) {
		if now := time.Now(); now.Sub(last) > 5*time.Second {
			last = now
			fmt.Fprintf(a.err, "%d histories\n", t.Histories)
		}
	}
}
