package controller

import (
	"reflect"

	"eucactl/plan"
	"eucactl/state"
)

// compileAll derives every host of the inventory at one moment.
func (c *Controller) compileAll(tx *state.Tx) map[string]plan.Host {
	out := map[string]plan.Host{}
	for _, h := range c.Inventory.Hosts() {
		out[h.Name] = plan.Compile(tx, c.Inventory, h)
	}
	return out
}

// touched are the hosts that compile to something else than before: there is no
// hand-kept list of what a verb concerns.
func (c *Controller) touched(before map[string]plan.Host, tx *state.Tx) (names []string, plans map[string]plan.Host) {
	plans = map[string]plan.Host{}
	for _, h := range c.Inventory.Hosts() {
		after := plan.Compile(tx, c.Inventory, h)
		if !reflect.DeepEqual(before[h.Name], after) {
			names = append(names, h.Name)
			plans[h.Name] = after
		}
	}
	return names, plans
}
