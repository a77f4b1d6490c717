package state

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// prepare makes the directory if need be, closed to other users because sealed
// records lie in it as plain text. It returns the file system and the directory's
// one true name: pebble tells openings of one process apart by name only.
func prepare(dir string, fs vfs.FS) (vfs.FS, string, error) {
	real := fs == nil
	if real {
		fs = vfs.Default
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, dir, err
		}
		dir = abs
	}
	if err := makeDirectory(dir, fs); err != nil {
		return nil, dir, err
	}
	if !real {
		return fs, dir, nil
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, dir, err
	}
	return fs, dir, closeToOthers(dir)
}

// makeDirectory makes dir with its parents, and syncs the directory above each new
// one: without that a power cut could lose the whole state with its first records.
func makeDirectory(dir string, fs vfs.FS) error {
	var missing []string
	for d := dir; ; d = fs.PathDir(d) {
		if _, err := fs.Stat(d); err == nil {
			break
		} else if !errors.Is(err, iofs.ErrNotExist) {
			return err
		}
		missing = append(missing, d)
		if fs.PathDir(d) == d {
			break
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, d := range missing {
		if err := syncDirectory(fs.PathDir(d), fs); err != nil {
			return err
		}
	}
	return nil
}

func syncDirectory(dir string, fs vfs.FS) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// closeToOthers takes an existing directory's access from other users if it is empty
// or ours. It does not touch somebody else's: think of --state /tmp.
func closeToOthers(dir string) error {
	stat, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if stat.Mode().Perm()&0o077 == 0 {
		return nil
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	_, err = os.Stat(filepath.Join(dir, "LOCK")) // pebble's
	if len(names) > 0 && err != nil {
		return fmt.Errorf("the directory is open to other users (mode %04o) and holds other files: name another or chmod it to 0700", stat.Mode().Perm())
	}
	return os.Chmod(dir, 0o700)
}

// takeLock makes this process the owner of the directory.
func takeLock(dir string, fs vfs.FS) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(dir, fs)
	if err == nil {
		return lock, nil
	}
	// Whatever is wrong with the file comes as a PathError; the rest is the lock.
	if file := (*iofs.PathError)(nil); errors.As(err, &file) {
		return nil, fmt.Errorf("open state in %s: %w", dir, err)
	}
	held := &LockedError{Dir: dir}
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		held.PID = lockHolder(fs.PathJoin(dir, "LOCK"), fs)
	}
	return nil, held
}

// lockHolder asks the kernel which process has the lock. It must not be called for a
// lock of this process: closing any descriptor of the file would drop it.
func lockHolder(name string, fs vfs.FS) int {
	if fs != vfs.Default {
		return 0
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return 0
	}
	defer f.Close()
	ask := syscall.Flock_t{Type: syscall.F_WRLCK}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &ask); err != nil || ask.Type == syscall.F_UNLCK {
		return 0
	}
	return int(ask.Pid)
}
