package controller

import (
	"slices"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/state"
	"eucactl/tasks"
)

// sendTokens makes a token for each host and keeps it, synced, before anything is
// sent: a host accepts only programs that know the token it holds, so a restored
// backup, a second controller or a late program is refused. A check sends none of
// its own.
func (c *Controller) sendTokens(hosts []*inventory.Host, check bool) (map[string]*tasks.Fence, error) {
	fences := map[string]*tasks.Fence{}
	_, err := c.Store.Update(state.Actor{User: "eucactl", Verb: "send", Time: c.Now()}, func(tx *state.Tx) error {
		for _, h := range hosts {
			if _, dead := tx.DeadHost(h.Name); dead {
				continue // not contacted
			}
			f := known(tx, h.Name)
			token := c.NewID("t-") + c.NewID("")
			fences[h.Name] = &tasks.Fence{Accept: slices.Clone(f.Tokens), Token: token, From: f.From}
			if !check {
				f.Tokens = append(f.Tokens, token)
				tx.PutFence(f)
			}
		}
		return nil
	})
	return fences, err
}

// known are the tokens that the host may hold: the one it was last seen with, and
// all that were sent since. Whom it is taken over from counts as long as it obeys that.
func known(tx *state.Tx, host string) cloud.Fence {
	f, _ := tx.Fence(host)
	f.Host = host
	seen, _ := tx.Seen(host)
	if n := len(f.Tokens); n > 0 && f.Tokens[n-1] == seen.Unsent {
		f.Tokens = f.Tokens[:n-1]
	}
	if i := slices.Index(f.Tokens, seen.Token); i >= 0 {
		f.Tokens = f.Tokens[i:]
	}
	if f.From != seen.Obeys { // it obeys us, or yet another
		f.From = ""
	}
	return f
}
