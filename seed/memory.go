package seed

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/diskfs/go-diskfs/backend"
)

// memory is a disk of fixed size that lives in a byte slice: go-diskfs writes
// to it as to a file, so making a seed touches no file system.
type memory struct {
	bytes []byte
	at    int64
}

var _ backend.Storage = (*memory)(nil)

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > int64(len(m.bytes)) {
		return 0, fmt.Errorf("read at %d of a disk of %d bytes", off, len(m.bytes))
	}
	n := copy(p, m.bytes[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt refuses to grow the disk: what does not fit is an error.
func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off > int64(len(m.bytes)) || int64(len(p)) > int64(len(m.bytes))-off {
		return 0, fmt.Errorf("write of %d bytes at %d of a disk of %d bytes", len(p), off, len(m.bytes))
	}
	return copy(m.bytes[off:], p), nil
}

func (m *memory) Read(p []byte) (int, error) {
	n, err := m.ReadAt(p, m.at)
	m.at += int64(n)
	return n, err
}

func (m *memory) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += m.at
	case io.SeekEnd:
		offset += int64(len(m.bytes))
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek to %d", offset)
	}
	m.at = offset
	return offset, nil
}

func (m *memory) Close() error                            { return nil }
func (m *memory) Path() string                            { return "" }
func (m *memory) Sys() (*os.File, error)                  { return nil, backend.ErrNotSuitable }
func (m *memory) Writable() (backend.WritableFile, error) { return m, nil }
func (m *memory) Stat() (fs.FileInfo, error)              { return memoryInfo(len(m.bytes)), nil }

// memoryInfo is the size of a memory disk, in the form of fs.FileInfo.
type memoryInfo int64

func (i memoryInfo) Name() string       { return "seed" }
func (i memoryInfo) Size() int64        { return int64(i) }
func (i memoryInfo) Mode() fs.FileMode  { return 0o600 }
func (i memoryInfo) ModTime() time.Time { return time.Time{} }
func (i memoryInfo) IsDir() bool        { return false }
func (i memoryInfo) Sys() any           { return nil }
