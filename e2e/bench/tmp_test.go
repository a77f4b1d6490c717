package bench
import ("testing";"context";"time";"os";"fmt";"crypto/rand"
"eucactl/controller";"eucactl/inventory";"eucactl/remote";"eucactl/state")
func BenchmarkTmpRec(b *testing.B) {
	inv, err := inventory.Load(os.Getenv("EUCACTL_INVENTORY")); if err != nil { b.Fatal(err) }
	site, err := controller.OpenSite(""); if err != nil { b.Fatal(err) }
	store, err := state.Open(os.Getenv("EUCACTL_STATE"), state.Options{}); if err != nil { b.Fatal(err) }
	defer store.Close()
	d := remote.New("/var/tmp/bw/cloud/known_hosts")
	newID := func(prefix string) string { var b [4]byte; rand.Read(b[:]); return fmt.Sprintf("%s%x", prefix, b) }
	c := &controller.Controller{Store: store, Inventory: inv, Images: controller.ImageFolder("/var/tmp/bw/cloud/images"), Site: site,
		Dial: func(ctx context.Context, h *inventory.Host) (remote.Conn, error) { return d.Dial(ctx, remote.Target{Name: h.Name, Address: h.Address, Port: h.Port, User: h.User, KeyFiles: []string{h.KeyFile}}) },
		Now: time.Now, NewID: newID, LockWait: 30*time.Second}
	for b.Loop() { if _, err := c.Reconcile(context.Background(), controller.Reconcile{}, nil); err != nil { b.Fatal(err) } }
}
