package controller

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"eucactl/cloud"
)

// User data goes into the guest's seed disk and nowhere else: not into the journal,
// a dump, a plan, a program, a difference, a report or an answer.
func TestSecretsStaySealed(t *testing.T) {
	w := newWorld(t, twoNodes)
	const canary = "canary-5up3r-53cr3t-password"
	secret := []byte("#cloud-config\npassword: " + canary + "\n")
	var said []string
	note := func(v any, err error) {
		text, jerr := json.Marshal(v)
		if jerr != nil {
			t.Fatal(jerr)
		}
		said = append(said, string(text), fmt.Sprintf("%v %+v %#v", err, v, v))
	}
	req := cloud.RunInstances{Image: w.image, Min: 2, Max: 2, UserData: secret}
	caller := Caller{User: cloud.Admin, Token: "t"}
	ctx := context.Background()
	res, a, err := Ask[cloud.Reservation](ctx, w.c, "RunInstances", caller, true, req)
	note(res, err)
	note(a, nil)
	res, a, err = Ask[cloud.Reservation](ctx, w.c, "RunInstances", caller, false, req)
	note(res, err)
	note(a, nil)
	_, _, err = Ask[cloud.Reservation](ctx, w.c, "RunInstances", caller, false, cloud.RunInstances{Image: w.image, Min: 1, Max: 1, UserData: secret})
	note(nil, err) // another request with the same token
	note(w.c.Reconcile(ctx, Reconcile{Check: true, Diff: true}, func(h HostReport) { note(h, nil) }))
	w.hosts["n2"].fails["seed"] = "no space left on device"
	note(w.c.Reconcile(ctx, Reconcile{Diff: true}, func(h HostReport) { note(h, nil) }))
	for _, verb := range Verbs() {
		if strings.HasPrefix(verb, "Describe") {
			resp, _, err := as[json.RawMessage](w, cloud.Admin, verb, struct{}{})
			note(resp, err)
		}
	}
	for host := range w.hosts {
		note(w.c.Plan(ctx, host))
		said = append(said, strings.Join(w.hosts[host].programs, ""))
	}
	note(w.c.Log(ctx, 0, 0))
	said = append(said, w.export())

	encoded := base64.StdEncoding.EncodeToString(secret)
	for _, text := range said {
		if strings.Contains(text, canary) || strings.Contains(text, encoded[8:40]) {
			t.Fatalf("the secret is in %.2000s", text)
		}
	}
	found := 0
	for _, content := range w.hosts["n1"].files {
		found += strings.Count(string(content), canary)
	}
	if found != 1 {
		t.Errorf("the seed has it %d times", found)
	}

	// It is forgotten with the last of its launch.
	sealed := func() bool { _, ok := w.c.Store.View().Sealed(string(res.ID)); return ok }
	clear(w.hosts["n2"].fails)
	w.end(res.Instances[0].ID)
	w.reconcile(Reconcile{})
	w.now.Add(10 * 60)
	w.reconcile(Reconcile{})
	if !sealed() {
		t.Error("forgotten while an instance may need it")
	}
	w.end(res.Instances[1].ID)
	w.reconcile(Reconcile{})
	w.now.Add(10 * 60)
	w.reconcile(Reconcile{})
	if sealed() {
		t.Error("still kept")
	}
}
