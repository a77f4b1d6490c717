package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"eucactl/cloud"
	"eucactl/controller"
	"eucactl/inventory"
	"eucactl/remote"
	"eucactl/state"
)

// Exit codes beyond 0 and 1; those of reconcile are in its help.
const (
	exitError = 1
	exitDrift = 3
	exitBusy  = 5
)

// app is one run of the command: its global flags and streams.
type app struct {
	in       io.Reader
	out, err io.Writer
	environ  func(name string) (value string, set bool)

	inventories  []string // -i
	stateDir     string
	user         string
	format       string // "", json, yaml
	quiet        bool
	lockTimeout  time.Duration
	playbooksDir string

	rehearsal     controller.Door // a copy of records; nil: the real ones
	inventoryFile string          // in a rehearsal, where the inventory was found
	aside         bool            // this run keeps no records: it plays or rehearses
	resumes       string          // the command that goes on after an interrupt

	code int // set by commands that end without an error but not with 0
}

// exitCode is an error that says how to exit; its words, if any, were printed.
type exitCode struct {
	code int
	err  error
}

func (e *exitCode) Error() string { return e.err.Error() }
func (e *exitCode) Unwrap() error { return e.err }

func (a *app) execute(ctx context.Context, args []string) int {
	for _, arg := range args {
		if !utf8.ValidString(arg) { // it would be kept as something else
			fmt.Fprintf(a.err, "eucactl: error (InvalidParameterValue): argument %.64q is not UTF-8\n", arg)
			return exitError
		}
	}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	out := &written{Writer: a.out}
	a.out = out
	err := errors.Join(root.ExecuteContext(ctx), out.failed)
	if err == nil {
		return a.code
	}
	if ctx.Err() != nil {
		if a.aside {
			fmt.Fprintln(a.err, "eucactl: interrupted")
			return exitError
		}
		err = fmt.Errorf("interrupted: %s goes on from there (%w)", cmp.Or(a.resumes, "what was recorded stays so, and eucactl reconcile"), err)
	}
	var refused *cloud.Error
	if errors.As(err, &refused) && strings.HasPrefix(err.Error(), refused.Error()) { // and maybe a hint
		fmt.Fprintf(a.err, "eucactl: error %s\n", harmless(err.Error()))
	} else {
		fmt.Fprintf(a.err, "eucactl: error: %s\n", harmless(err.Error()))
	}
	var exit *exitCode
	var busy *controller.BusyError
	switch {
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &busy):
		return exitBusy
	}
	return exitError
}

// written remembers that what was printed did not arrive.
type written struct {
	io.Writer
	failed error
}

func (w *written) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil && w.failed == nil {
		w.failed = fmt.Errorf("print: %w", err)
	}
	return n, err
}

// version is that of the build: a tag, or the commit it was made from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value
		}
	}
	return v
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "eucactl",
		Short:         "An EC2-compatible private cloud on ordinary Linux hosts, over SSH",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.rehearsable(cmd); err != nil {
				return err
			}
			if a.playbooksDir == "" {
				a.playbooksDir = a.getenv("EUCACTL_PLAYBOOKS")
			}
			switch a.format {
			case "", "json", "yaml":
				return nil
			}
			return fmt.Errorf("output format %q: use json or yaml", a.format)
		},
	}
	f := root.PersistentFlags()
	f.StringArrayVarP(&a.inventories, "inventory", "i", nil, "inventory file; of playbooks also folders and lists of hosts, several (default: $EUCACTL_INVENTORY, ./inventory.yml, /etc/eucactl/inventory.yml)")
	f.StringVar(&a.stateDir, "state", "", "state directory (default: $EUCACTL_STATE, /var/lib/eucactl/state)")
	f.StringVar(&a.user, "as", cloud.Admin, "act as this user")
	f.StringVarP(&a.format, "output", "o", "", "output format: json or yaml (default: rows)")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print ids only")
	f.DurationVar(&a.lockTimeout, "lock-timeout", 2*time.Minute, "how long to wait for records that another process holds")
	f.StringVar(&a.playbooksDir, "playbooks", "", "folder with edited playbooks and templates, see eucactl playbook eject (default: $EUCACTL_PLAYBOOKS)")
	root.AddCommand(a.instanceCommands()...)
	root.AddCommand(a.imageCommands()...)
	root.AddCommand(a.keyPairCommands()...)
	root.AddCommand(a.groupCommands()...)
	root.AddCommand(a.addressCommands()...)
	root.AddCommand(a.zoneCommands()...)
	root.AddCommand(a.userCommands()...)
	root.AddCommand(a.hostCommands(), a.inventoryCommand(), a.reconcileCommand(), a.checkCommand(), a.bundleCommand(), a.planCommand(), a.stateCommand(), a.playbookCommand(), a.runCommand(), a.docCommand(), a.vaultCommand(), a.simCommand(), a.whyCommand())
	root.AddCommand(a.serveCommand())
	illustrate(root, "", examples())
	strict(root)
	return root
}

// state directory and the files beside it.
func (a *app) stateDirectory() string {
	for _, dir := range []string{a.stateDir, a.getenv("EUCACTL_STATE")} {
		if dir != "" {
			return dir
		}
	}
	return "/var/lib/eucactl/state"
}

func (a *app) beside(name string) string {
	return filepath.Join(filepath.Dir(filepath.Clean(a.stateDirectory())), name)
}

// load reads the inventory, wherever it is found.
func (a *app) load() (*inventory.Inventory, error) {
	if a.inventoryFile != "" {
		return inventory.Load(a.inventoryFile)
	}
	if len(a.inventories) > 1 {
		return nil, fmt.Errorf("the cloud has one inventory, and -i is given %d times", len(a.inventories))
	}
	path, err := a.findInventory()
	if err != nil {
		return nil, err
	}
	return inventory.Load(path)
}

func (a *app) findInventory() (string, error) {
	return inventory.Find(strings.Join(a.inventories, ""), a.getenv, func(p string) bool { _, err := os.Stat(p); return err == nil })
}

// loadUsers reads the inventory of users' playbooks, with the variables beside it and
// beside the playbook.
func (a *app) loadUsers(playbookDir string, passwords *vaultFlags) (*inventory.Inventory, error) {
	decrypt, err := passwords.decrypt(a)
	if err != nil {
		return nil, err
	}
	paths := a.inventories
	if len(paths) == 0 {
		path, err := a.findInventory()
		if err != nil {
			return nil, err
		}
		paths = []string{path}
	}
	return inventory.Open(inventory.Sources{Paths: paths, PlaybookDir: playbookDir, Decrypt: decrypt})
}

// open comes in to the records, as their owner or through their owner.
func (a *app) open(ctx context.Context) (controller.Door, error) {
	if a.rehearsal != nil {
		return lent{a.rehearsal}, nil
	}
	e, err := a.entry()
	if err != nil {
		return nil, err
	}
	return e.Open(ctx)
}

// entry is the way in to the real records.
func (a *app) entry() (e controller.Entry, err error) {
	inv, err := a.load()
	if err != nil {
		return e, err
	}
	sum, err := worksWith(inv.File(), a.playbooksDir)
	if err != nil {
		return e, err
	}
	site, err := controller.OpenSite(a.playbooksDir)
	if err != nil {
		return e, err
	}
	crash := crashPoints(a.getenv("EUCACTL_CRASH"))
	dialer := a.dialer()
	return controller.Entry{
		StateDir: a.stateDirectory(), InventorySum: sum, Timeout: a.lockTimeout,
		Options: state.Options{OnCommit: crash.commit},
		Waiting: func(who string) { fmt.Fprintln(a.err, who+"; waiting") },
		Build: func(store *state.Store) *controller.Controller {
			if store.Rev() == 0 {
				fmt.Fprintf(a.err, "a new cloud begins in %s\n", a.stateDirectory())
			}
			return &controller.Controller{
				Store: store, Inventory: inv, Images: controller.ImageFolder(a.beside("images")), Site: site,
				Dial: func(ctx context.Context, h *inventory.Host) (remote.Conn, error) { return dialer.Dial(ctx, target(h)) },
				Now:  time.Now, NewID: newID, LockWait: 30 * time.Second, OnLine: crash.line,
				Waiting: func(words string) { fmt.Fprintln(a.err, words) },
			}
		},
	}, nil
}

// worksWith is a sum of the inventory and of the edited playbooks, if there are any.
func worksWith(inventory, playbooks string) (string, error) {
	files := []string{inventory}
	if playbooks != "" {
		more, err := controller.SiteFiles(playbooks)
		if err != nil {
			return "", err
		}
		files = append(files, more...)
	}
	sum := sha256.New()
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		if path, err = filepath.Abs(path); err != nil { // however it was named
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n%s", path, len(data), data)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

func newID(prefix string) string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails: the process would have ended
	return fmt.Sprintf("%s%x", prefix, b)
}

func (a *app) dialer() *remote.Dialer {
	return remote.New(a.beside("known_hosts"))
}

// target is a host of the inventory as the network knows it.
func target(h *inventory.Host) remote.Target {
	t := remote.Target{
		Name: h.Name, Address: h.Address, Port: h.Port, User: h.User, Become: h.Become, BecomeUser: h.BecomeUser,
		Local: h.Connection == inventory.Local, ConnectTimeout: time.Duration(h.Timeout) * time.Second,
	}
	if h.KeyFile != "" {
		t.KeyFiles = []string{h.KeyFile}
	}
	return t
}

// with opens the door for the length of do.
func (a *app) with(ctx context.Context, do func(controller.Door) error) (err error) {
	d, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return do(d)
}

// show asks and prints: the whole of a command that only reads.
func show[Resp any](a *app, cmd *cobra.Command, verb string, req any, rows func(*printer, Resp)) error {
	return a.with(cmd.Context(), func(d controller.Door) error {
		resp, _, err := controller.Ask[Resp](cmd.Context(), d, verb, controller.Caller{User: a.user}, false, req)
		if err != nil {
			return err
		}
		return a.print(resp, func(p *printer) { rows(p, resp) })
	})
}
