package images

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Folder keeps image files under their sums.
type Folder struct{ Dir string }

// Look is one of Machine, Kernel and Ramdisk.
type Look func(io.ReaderAt, int64) (Info, error)

// Take looks at the file and, unless check is set, copies it into the folder. The
// copy has its name only when it is whole and on the disk.
func (f Folder) Take(ctx context.Context, path string, look Look, check bool) (Info, error) {
	in, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // or a pipe would be waited for
	if err != nil {
		return Info{}, err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return Info{}, err
	}
	if !st.Mode().IsRegular() {
		return Info{}, fmt.Errorf("%s is not a regular file", path)
	}
	info, err := look(in, st.Size())
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", path, err)
	}
	if check {
		info.Sum, err = sum(reading{ctx, in}, io.Discard, st.Size())
		return info, err
	}
	return f.copy(ctx, in, st.Size(), look)
}

// reading stops with its context: images are large, and operators impatient.
type reading struct {
	ctx context.Context
	io.Reader
}

func (r reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// sum copies a file of the given size; what grows or shrinks meanwhile is no image.
func sum(in io.Reader, out io.Writer, size int64) (string, error) {
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(h, out), in)
	if err == nil && n != size {
		err = fmt.Errorf("the file had %d bytes, then %d: it changed while it was read", size, n)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

// copy looks at the copy too: somebody may be writing to the file meanwhile.
func (f Folder) copy(ctx context.Context, in *os.File, size int64, look Look) (info Info, err error) {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return info, err
	}
	out, err := os.CreateTemp(f.Dir, "new-*")
	if err != nil {
		return info, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(out.Name()))
		}
	}()
	defer out.Close()
	name, err := sum(reading{ctx, in}, &sparse{out}, size)
	if err != nil {
		return info, fmt.Errorf("keep image: %w", err)
	}
	if err := errors.Join(out.Truncate(size), out.Sync()); err != nil {
		return info, fmt.Errorf("keep image: %w", err)
	}
	if info, err = look(out, size); err != nil {
		return info, err
	}
	info.Sum = name
	if err := os.Rename(out.Name(), filepath.Join(f.Dir, name)); err != nil {
		return info, fmt.Errorf("keep image: %w", err)
	}
	return info, f.sync()
}

// sync puts the folder's names on the disk.
func (f Folder) sync() error {
	dir, err := os.Open(f.Dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// sparse leaves holes where there are only zeros: disks are mostly empty.
type sparse struct{ file *os.File }

func (s *sparse) Write(p []byte) (int, error) {
	for _, b := range p {
		if b != 0 {
			return s.file.Write(p)
		}
	}
	_, err := s.file.Seek(int64(len(p)), io.SeekCurrent)
	return len(p), err
}

// Open opens the file with this sum.
func (f Folder) Open(sum string) (*os.File, error) {
	file, err := os.Open(filepath.Join(f.Dir, sum))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("image file %s is missing in %s: register the image again", sum, f.Dir)
	}
	return file, err
}

// Remove deletes the file with this sum, if it is there.
func (f Folder) Remove(sum string) error {
	err := os.Remove(filepath.Join(f.Dir, sum))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
