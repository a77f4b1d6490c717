package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"eucactl/playbooks"
	"eucactl/tasks"
)

func (a *app) docCommand() *cobra.Command {
	var library []string
	cmd := &cobra.Command{
		Use:   "doc [KIND]",
		Short: "What a kind of task does and takes; without a name, all kinds",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s := plays{app: a, flags: &playFlags{library: library}}
			kinds, err := s.library(".")
			if err != nil {
				return err
			}
			if len(args) == 0 {
				a.listKinds(kinds)
				return nil
			}
			if d, ok := playbooks.DocOf(args[0]); ok {
				a.describeLocal(d)
				return nil
			}
			k, err := playbooks.Kind(kinds, args[0])
			if err != nil {
				return err
			}
			a.describeKind(k)
			return nil
		},
	}
	cmd.Flags().StringArrayVarP(&library, "module-path", "M", nil, "folder with kinds of your own (*.sh), beside ./library")
	return cmd
}

// listKinds prints each with the first sentence about it.
func (a *app) listKinds(kinds *tasks.Library) {
	docs := map[string]string{}
	for _, name := range kinds.Names() {
		if k, err := kinds.Kind(name); err == nil {
			docs[name] = k.Doc
		}
	}
	for _, d := range playbooks.KindDocs() {
		docs[d.Name] = d.Doc
	}
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		first, _, _ := strings.Cut(strings.ReplaceAll(docs[name], "\n", " "), ". ")
		fmt.Fprintf(a.out, "%-22s %s\n", name, strings.TrimSuffix(first, "."))
	}
}

// describeLocal is about a kind that runs here.
func (a *app) describeLocal(d playbooks.KindDoc) {
	fmt.Fprintf(a.out, "%s\n\n%s\n", d.Name, d.Doc)
}

func (a *app) describeKind(k tasks.Kind) {
	fmt.Fprintf(a.out, "%s\n\n", k.Name)
	for _, p := range k.Params {
		word := p.Name
		if len(p.Aliases) > 0 {
			word += " (" + strings.Join(p.Aliases, ", ") + ")"
		}
		switch {
		case p.Required:
			word += ", required"
		case p.Default != "" && !strings.HasPrefix(p.Default, "__"):
			word += ", default " + p.Default
		}
		fmt.Fprintf(a.out, "  %s\n", word)
	}
	if len(k.Params) == 0 {
		fmt.Fprintln(a.out, "  no parameters")
	}
	fmt.Fprintf(a.out, "\n%s\n", k.Doc)
}
