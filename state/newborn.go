package state

import (
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// newborn syncs the directory after each file that is made in it, as long as it is
// young. pebble makes its manifest and the marker that names it before it syncs their
// directory; on a file system that keeps no order among names, a power cut between
// could leave a directory that never opens. This happens once in a state's life.
type newborn struct {
	vfs.FS
	dir   string
	grown atomic.Bool
}

// newbornFS is fs itself for a directory that pebble already lives in.
func newbornFS(dir string, fs vfs.FS) (wrapped vfs.FS, grown func(), err error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if strings.HasPrefix(name, "marker.manifest.") {
			return fs, func() {}, nil
		}
	}
	n := &newborn{FS: fs, dir: dir}
	return n, func() { n.grown.Store(true) }, nil
}

func (n *newborn) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := n.FS.Create(name, c)
	if err != nil || n.grown.Load() {
		return f, err
	}
	if err := syncDirectory(n.dir, n.FS); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
