package controller
import "testing"
func TestZZ(t *testing.T){ w:=newWorld(t,twoNodes); w.run(1); w.reconcile(Reconcile{}); t.Log(w.hosts["n1"].puts, len(w.hosts["n1"].files)); w.run(1); w.run(1); w.reconcile(Reconcile{}); t.Log(w.hosts["n1"].puts, len(w.hosts["n1"].files))}
