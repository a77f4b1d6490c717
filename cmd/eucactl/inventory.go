package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"eucactl/inventory"
)

// listing is what of an inventory is printed.
type listing struct {
	list, graph       bool
	host, playbookDir string
	vault             vaultFlags
}

func (a *app) inventoryCommand() *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use:   "inventory --list | --host HOST | --graph [GROUP]",
		Short: "Check the inventory and print it as ansible-inventory does",
		Long: "Check the inventory and print it as ansible-inventory does.\n\n" +
			"One with settings of the cloud's network (vnet_...) is checked as the cloud's. All others are read as those of\n" +
			"users' playbooks: INI, YAML, JSON, folders, lists of hosts, with group_vars and host_vars beside them.",
		Args: func(cmd *cobra.Command, args []string) error {
			if l.graph {
				return cobra.MaximumNArgs(1)(cmd, args)
			}
			return cobra.NoArgs(cmd, args)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&l.list, "list", false, "all groups and hosts")
	f.StringVar(&l.host, "host", "", "one host's variables")
	f.BoolVar(&l.graph, "graph", false, "groups and hosts as a tree, from GROUP or else from all")
	f.StringVar(&l.playbookDir, "playbook-dir", "", "the folder of a playbook, whose group_vars and host_vars count too")
	l.vault.addTo(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("list", "host", "graph")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		return a.printInventory(&l, strings.Join(args, ""))
	}
	cmd.AddCommand(a.importCommand())
	return cmd
}

func (a *app) printInventory(l *listing, group string) error {
	inv, err := a.anyInventory(l)
	if err != nil {
		return err
	}
	for _, n := range inv.Notes() {
		fmt.Fprintln(a.err, "note: "+harmless(n))
	}
	var text []byte
	switch {
	case l.graph:
		words, err := inv.Graph(cmp.Or(group, "all"))
		fmt.Fprint(a.out, words)
		return err
	case l.host != "":
		if h, ok := inv.Host(l.host); ok && h.Locked() != nil {
			return h.Locked()
		}
		text, err = inv.HostJSON(l.host)
	default:
		for _, h := range inv.Hosts() {
			if h.Locked() != nil {
				return h.Locked()
			}
		}
		text, err = inv.ListJSON()
	}
	if err == nil {
		fmt.Fprintf(a.out, "%s\n", text)
	}
	return err
}

// anyInventory reads the cloud's inventory as that, and any other as one of users'
// playbooks.
func (a *app) anyInventory(l *listing) (*inventory.Inventory, error) {
	if a.inventoryFile != "" {
		return a.load()
	}
	inv, err := a.loadUsers(l.playbookDir, &l.vault)
	if err != nil || !inv.ForCloud() || len(a.inventories) > 1 {
		return inv, err
	}
	if info, err := os.Stat(inv.File()); err == nil && info.Mode().IsRegular() {
		return a.load()
	}
	return inv, nil
}

// importFlags are what eucalyptus.conf files do not say.
type importFlags struct {
	frontend, cluster, user string
	nodes, nodeConfs        []string
	file                    string
	force                   bool
}

func (a *app) importCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import EUCALYPTUS.CONF...",
		Short: "Write an inventory from the eucalyptus.conf files of Eucalyptus 1.5 or 2.0",
		Long: "Write an inventory from the frontend's eucalyptus.conf, and from the nodes' (--node-conf).\n\n" +
			"Of several files (eucalyptus.conf and Ubuntu's eucalyptus.local.conf) the later one's settings count. The files are\n" +
			"read as a shell would read them, but nothing in them is run. Whatever is wrong or contradicts itself is told, all of\n" +
			"it, with file and line, and then nothing is written. What was left out, or taken from elsewhere, is noted on stderr.\n" +
			"Nodes are those of NODES and --node, which also gives a name to an address in NODES.",
		Args: cobra.MinimumNArgs(1),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.frontend, "frontend", "", "the frontend, as NAME or NAME=ADDRESS")
	flags.StringArrayVar(&f.nodes, "node", nil, "a node, as NAME or NAME=ADDRESS; may be repeated")
	flags.StringArrayVar(&f.nodeConfs, "node-conf", nil, "the nodes' eucalyptus.conf, or with NAME=FILE that of one node; may be repeated")
	flags.StringVar(&f.cluster, "cluster", "", "the cluster's name, which is its availability zone")
	flags.StringVar(&f.user, "user", "root", "the user to log in as on the hosts")
	flags.StringVarP(&f.file, "file", "f", "", "write the inventory to this new file instead of stdout")
	flags.BoolVar(&f.force, "force", false, "let -f replace a file")
	cmd.RunE = func(_ *cobra.Command, args []string) error { return a.importInventory(f, args) }
	return cmd
}

func (a *app) importInventory(f importFlags, files []string) error {
	from := inventory.Eucalyptus{Cluster: f.cluster, User: f.user, Host: namedHost(f.frontend)}
	for _, n := range f.nodes {
		from.Hosts = append(from.Hosts, namedHost(n))
	}
	for _, path := range files {
		file, err := a.confFile(path)
		if err != nil {
			return err
		}
		from.Frontend = append(from.Frontend, file)
	}
	for _, word := range f.nodeConfs {
		node, path, named := strings.Cut(word, "=")
		if !named || strings.Contains(node, "/") {
			node, path = "", word
		}
		file, err := a.confFile(path)
		if err != nil {
			return err
		}
		file.Node = node
		from.Nodes = append(from.Nodes, file)
	}
	made, err := inventory.Import(from)
	if err != nil {
		return err
	}
	for _, n := range made.Notes {
		fmt.Fprintln(a.err, "note: "+harmless(n))
	}
	if f.file == "" {
		_, err = a.out.Write(made.YAML)
		return err
	}
	if err := writeNew(f.file, made.YAML, f.force); err != nil {
		return err
	}
	fmt.Fprintf(a.err, "written to %s; next: eucactl -i %s hosts scan\n", f.file, f.file)
	return nil
}

// namedHost reads NAME or NAME=ADDRESS.
func namedHost(word string) inventory.NamedHost {
	name, address, _ := strings.Cut(word, "=")
	return inventory.NamedHost{Name: name, Address: address}
}

// confFile reads a file; - is stdin. One that is far too large to be a
// eucalyptus.conf is not read to its end.
func (a *app) confFile(path string) (inventory.ConfFile, error) {
	const most = 4 << 20
	in := a.in
	if path == "-" {
		path = "stdin"
	} else {
		f, err := os.Open(path)
		if err != nil {
			return inventory.ConfFile{}, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, most))
	return inventory.ConfFile{Name: path, Data: data}, err
}

// writeNew writes a file that was not there before, or with force replaces one.
func writeNew(path string, data []byte, force bool) error {
	if !force {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s exists; --force replaces it", path)
		}
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		return errors.Join(err, f.Close())
	}
	next, err := os.CreateTemp(filepath.Dir(path), ".inventory-*")
	if err != nil {
		return err
	}
	_, err = next.Write(data)
	err = errors.Join(err, next.Chmod(0o644), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	return nil
}
