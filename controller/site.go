package controller

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
		if !isSite(own) {
			return nil, fmt.Errorf("playbooks: %s has none of site.yml, frontend.yml, node.yml, templates/ and library/: start with eucactl playbook eject %s", dir, dir)
		}
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

// isSite: a folder that changes nothing is more likely a slip.
func isSite(dir fs.FS) bool {
	for _, name := range []string{playbooks.Site, "frontend.yml", "node.yml", playbooks.TemplatesIn, "library"} {
		if _, err := fs.Stat(dir, name); err == nil {
			return true
		}
	}
	return false
}

// SiteFiles are the files of dir that OpenSite would read.
func SiteFiles(dir string) (files []string, err error) {
	for _, pattern := range []string{"*.yml", playbooks.TemplatesIn + "/*.j2", "*.j2", "library/*.sh"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
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
	for _, section := range facts.Observe(h.Frontend, h.IsNode) {
		prog.Sections = append(prog.Sections, tasks.Section{Name: section.Name, Script: section.Script})
	}
	return prog, nil
}
