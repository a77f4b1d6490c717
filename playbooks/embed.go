package playbooks

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"eucactl/templates"
)

// builtin holds the built-in playbooks; it is never written.
//
//go:embed *.yml
var builtin embed.FS

// Site is the playbook that makes each host what its plan says.
const Site = "site.yml"

// Builtin is the file system of the built-in playbooks.
func Builtin() fs.FS { return builtin }

// Overlay is a file system in which a user's files stand before others of the
// same name. A nil layer is skipped.
func Overlay(layers ...fs.FS) fs.FS { return overlay(layers) }

type overlay []fs.FS

// Open opens the first file of that name.
func (o overlay) Open(name string) (fs.File, error) {
	for _, layer := range o {
		if layer == nil {
			continue
		}
		f, err := layer.Open(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// TemplatesIn is the folder beside a playbook that holds its templates.
const TemplatesIn = "templates"

// Templates are the templates that playbooks of dir use: those in its folder
// templates, those beside the playbooks, then the built-in ones. A nil dir has none.
func Templates(dir fs.FS) *templates.Set {
	if dir == nil {
		return templates.New(templates.Builtin())
	}
	sub, err := fs.Sub(dir, TemplatesIn)
	if err != nil {
		sub = nil
	}
	return templates.New(sub, dir, templates.Builtin())
}

// Eject writes the built-in playbooks and their templates into dir, to be edited
// there. It overwrites nothing.
func Eject(dir string) error {
	if err := eject(builtin, dir, "*.yml"); err != nil {
		return err
	}
	return eject(templates.Builtin(), filepath.Join(dir, TemplatesIn), "*.j2")
}

func eject(from fs.FS, dir, pattern string) error {
	names, err := fs.Glob(from, pattern)
	if err != nil {
		return fmt.Errorf("eject: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("eject: %w", err)
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("eject: %s exists already; name an empty folder", path)
		}
	}
	for _, name := range names {
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return fmt.Errorf("eject: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("eject: %w", err)
		}
	}
	return nil
}
