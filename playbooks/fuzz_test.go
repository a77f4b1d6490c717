package playbooks

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"eucactl/templates"
)

// FuzzParse looks for playbooks that crash the reader, or that are accepted and
// then crash the builder.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"*.yml", "testdata/*/*.yml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	lib, set := library(f), templates.New(templates.Builtin())
	f.Fuzz(func(t *testing.T, data []byte) {
		fsys := fstest.MapFS{"p.yml": {Data: data, Mode: fs.ModePerm}}
		pb, err := Parse(fsys, "p.yml")
		if err != nil {
			return
		}
		_, _ = pb.Build(dialectIn(), lib, set)
	})
}
