package controller

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"eucactl/cloud"
)

// Requests and reconciles of several askers at once: a host runs one program at a
// time, none is fenced off by another, and in the end all is as recorded. (Worth most
// with -race.)
func TestTogether(t *testing.T) {
	w := newWorld(t, twoNodes)
	var group sync.WaitGroup
	for i := range 3 {
		group.Go(func() {
			for range 3 {
				r, err := w.c.Reconcile(context.Background(), Reconcile{Follow: i == 0}, nil)
				if err != nil || r.ExitCode() != 0 {
					t.Errorf("%v, %+v", err, outcomes(r))
				}
			}
		})
		group.Go(func() {
			_, a, err := as[cloud.Reservation](w, cloud.Admin, "RunInstances", cloud.RunInstances{Image: w.image, Min: 1, Max: 1})
			if err != nil {
				t.Error(err)
				return
			}
			if r, err := w.c.Reconcile(context.Background(), Reconcile{Hosts: a.Touched, Follow: true}, nil); err != nil || r.ExitCode() != 0 {
				t.Errorf("%v, %+v", err, outcomes(r))
			}
		})
		group.Go(func() {
			_, _, err := as[cloud.Group](w, cloud.Admin, "CreateSecurityGroup", cloud.CreateGroup{Name: fmt.Sprint("g", i)})
			if err != nil {
				t.Error(err)
			}
			_, _, err = as[cloud.Reservations](w, cloud.Admin, "DescribeInstances", cloud.DescribeInstances{})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for name, h := range w.hosts {
		if h.mostRunning != 1 {
			t.Errorf("%s ran %d programs at once", name, h.mostRunning)
		}
	}
	w.reconcile(Reconcile{})
	equal(t, "outcomes", outcomes(w.reconcile(Reconcile{})), []string{"fe1: ok", "n1: ok", "n2: ok"})
	for _, in := range w.c.Store.View().Instances() {
		if v := w.describe(in.ID); v.State != cloud.StateUp {
			t.Errorf("%+v", v)
		}
	}
}
