package inventory

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden parts of testdata anew")

// Each file of testdata/errors holds an inventory and what Parse says to it.
//
// proves A100 E2 E3 E4 E5
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil || len(archive.Files) != 2 {
				t.Fatal("want two parts", err)
			}
			input, want := archive.Files[0], &archive.Files[1]
			_, err = Parse(input.Name, input.Data)
			if err == nil {
				t.Fatal("accepted")
			}
			got := err.Error() + "\n"
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Error(diff)
			}
			checkProblems(t, err)
		})
	}
}

// checkProblems holds for every error that Parse returns.
func checkProblems(t *testing.T, err error) {
	t.Helper()
	var list *Errors
	if !errors.As(err, &list) || len(list.List) == 0 {
		t.Fatalf("%T is no list of problems", err)
	}
	for i, e := range list.List {
		if e.Where.Line < 1 || e.Where.File == "" {
			t.Errorf("no place: %v", e)
		}
		if i > 0 && e.Where.Line < list.List[i-1].Where.Line {
			t.Errorf("not sorted: %v", e)
		}
		if strings.ContainsAny(e.Message, "\n\x00\x1b") {
			t.Errorf("unquoted control characters: %q", e.Message)
		}
	}
}
