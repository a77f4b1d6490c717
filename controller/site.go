package controller

import (
	"fmt"
	"io/fs"
	"os"

	"eucactl/cloud"
	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/plan"
	"eucactl/playbooks"
	"eucactl/tasks"
	"eucactl/templates"
)

// Site is what hosts are settled by: the playbook site.yml with its templates, and
// the kinds of tasks that there are.
type Site struct {
	Playbook  *playbooks.Playbook
	Kinds     *tasks.Library
	Templates *templates.Set
}

// OpenSite reads the built-in playbooks; files of dir, if it is not "", stand
// before those of the same name, and kinds in its folder library before ours.
func OpenSite(dir string) (s *Site, err error) {
	var own fs.FS
	if dir != "" {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("playbooks: %w", err)
		}
		own = os.DirFS(dir)
	}
	s = &Site{Templates: playbooks.Templates(own)}
	if s.Kinds, err = tasks.Builtin(); err != nil {
		return nil, err
	}
	if library := dir + "/library"; dir != "" && isDir(library) {
		if s.Kinds, err = s.Kinds.Overlay(os.DirFS(library), library); err != nil {
			return nil, err
		}
	}
	s.Playbook, err = playbooks.Parse(playbooks.Overlay(own, playbooks.Builtin()), playbooks.Site)
	return s, err
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// EjectSite writes the built-in playbooks and templates into dir, to be edited.
func EjectSite(dir string) error { return playbooks.Eject(dir) }

// program is what is to be done on a host, and what is to be looked at.
func (s *Site) program(inv *inventory.Inventory, h *inventory.Host, p plan.Host, known cloud.HostFacts) (*tasks.Program, error) {
	prog, err := s.Playbook.Build(playbooks.In{Host: playbooks.InventoryHost(inv, h), Plan: playbooks.Map(p), Facts: known}, s.Kinds, s.Templates)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", h.Name, err)
	}
	for _, section := range facts.Observe(h.IsNode) {
		prog.Sections = append(prog.Sections, tasks.Section{Name: section.Name, Script: section.Script})
	}
	return prog, nil
}
