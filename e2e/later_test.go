package e2e

import (
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"eucactl/state"
)

// later lets time pass for the records, whose owner must not be running.
func later(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "later DURATION")
	passed, err := time.ParseDuration(args[0])
	ts.Check(err)
	store, err := state.Open(ts.Getenv("EUCACTL_STATE"), state.Options{})
	ts.Check(err)
	_, err = store.Update(state.Actor{User: "story", Verb: "later", Time: time.Now()}, func(tx *state.Tx) error {
		for _, in := range tx.Instances() {
			for _, when := range []*time.Time{&in.Launched, &in.Ended, &in.Released} {
				if !when.IsZero() {
					*when = when.Add(-passed)
				}
			}
			tx.PutInstance(in)
		}
		return nil
	})
	ts.Check(err)
	ts.Check(store.Close())
}
