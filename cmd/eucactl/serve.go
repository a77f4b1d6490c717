package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"eucactl/controller"
	"eucactl/metadata"
	"eucactl/state"
)

func (a *app) serveCommand() *cobra.Command {
	var how controller.Keeping
	var bury time.Duration
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Keep hosts what the records say, and serve guests their metadata, until it is stopped",
		Long: "Keep hosts what the records say, until it is stopped (SIGTERM or Ctrl-C). Each host is looked at every few\n" +
			"seconds, visited when the records change or when it is not as it should be, and visited every few minutes anyway.\n" +
			"Guests get their metadata at http://169.254.169.254/ while it runs. Other eucactl commands work through it. It\n" +
			"reads the inventory and edited playbooks when it starts. Its log, one line an event, goes to stderr.",
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.DurationVar(&how.Poll, "poll", 6*time.Second, "from one look at a host to the next")
	f.DurationVar(&how.Reconcile, "reconcile", 5*time.Minute, "from one visit of a host to the next, if nothing else leads there")
	f.DurationVar(&how.Delay, "delay", 500*time.Millisecond, "how long a change rests before hosts are visited for it: whoever asked for it may do that himself")
	f.DurationVar(&bury, "bury", 10*time.Minute, "how long terminated instances are shown")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for name, d := range map[string]time.Duration{"poll": how.Poll, "reconcile": how.Reconcile, "delay": how.Delay, "bury": bury} {
			if d < 0 || d < time.Millisecond && name != "bury" {
				return fmt.Errorf("--%s %s: a longer time is needed", name, d)
			}
		}
		e, err := a.entry()
		if err != nil {
			return err
		}
		build := e.Build
		e.Build = func(s *state.Store) *controller.Controller {
			c := build(s)
			c.BuryAfter = max(bury, 1)
			return c
		}
		return a.keep(cmd, e, how)
	}
	return cmd
}

// keep serves until it is told to stop, which is no error.
func (a *app) keep(cmd *cobra.Command, e controller.Entry, how controller.Keeping) error {
	c, err := e.Own(cmd.Context())
	if err != nil {
		return err
	}
	how.Log = slog.New(slog.NewTextHandler(a.err, nil))
	how.Front = metadata.New(c, time.Now).Serve
	how.Log.Info("serving", "state", a.stateDirectory(), "inventory", c.Inventory.File(), "poll", how.Poll.String(), "reconcile", how.Reconcile.String())
	err = errors.Join(c.Keep(cmd.Context(), how), c.Close())
	how.Log.Info("stopped")
	return err
}
