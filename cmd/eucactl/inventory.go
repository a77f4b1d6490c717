package main

import (
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

func (a *app) inventoryCommand() *cobra.Command {
	var list bool
	var host string
	cmd := &cobra.Command{
		Use:   "inventory --list | --host HOST",
		Short: "Check the inventory and print it as ansible-inventory does",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&list, "list", false, "all groups and hosts")
	cmd.Flags().StringVar(&host, "host", "", "one host's variables")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		inv, err := a.load()
		if err != nil {
			return err
		}
		for _, n := range inv.Notes() {
			fmt.Fprintln(a.err, "note: "+n)
		}
		var text []byte
		if host != "" {
			text, err = inv.HostJSON(host)
		} else {
			text, err = inv.ListJSON()
		}
		if err == nil {
			fmt.Fprintf(a.out, "%s\n", text)
		}
		return err
	}
	cmd.AddCommand(a.importCommand())
	return cmd
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
