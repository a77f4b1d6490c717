package images

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder keeps image files under their sums.
type Folder struct{ Dir string }

// Look is one of Machine, Kernel and Ramdisk.
type Look func(io.ReaderAt, int64) (Info, error)

// Take looks at the file and, unless check is set, copies it into the folder. The
// copy has its name only when it is whole and on the disk.
func (f Folder) Take(path string, look Look, check bool) (Info, error) {
	in, err := os.Open(path)
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
		info.Sum, err = sum(in, io.Discard)
		return info, err
	}
	info.Sum, err = f.copy(in, st.Size())
	return info, err
}

func sum(in io.Reader, out io.Writer) (string, error) {
	h := sha256.New()
	_, err := io.Copy(io.MultiWriter(h, out), in)
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

func (f Folder) copy(in *os.File, size int64) (name string, err error) {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return "", err
	}
	out, err := os.CreateTemp(f.Dir, "new-*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(out.Name()))
		}
	}()
	defer out.Close()
	name, err = sum(in, &sparse{File: out})
	if err != nil {
		return "", fmt.Errorf("keep image: %w", err)
	}
	if err := errors.Join(out.Truncate(size), out.Sync()); err != nil {
		return "", fmt.Errorf("keep image: %w", err)
	}
	return name, os.Rename(out.Name(), filepath.Join(f.Dir, name))
}

// sparse leaves holes where there are only zeros: disks are mostly empty.
type sparse struct{ *os.File }

func (s *sparse) Write(p []byte) (int, error) {
	for _, b := range p {
		if b != 0 {
			return s.File.Write(p)
		}
	}
	_, err := s.Seek(int64(len(p)), io.SeekCurrent)
	return len(p), err
}

// ReadFrom hides os.File's own, which would know nothing of holes.
func (s *sparse) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{s}, r)
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
