package lab

import (
	"bytes"
	"fmt"
)

// cpioArchive writes the "newc" format the kernel unpacks a ramdisk from (Documentation/driver-api/early-userspace/
// buffer-format.rst). It is not compressed: unpacking costs more under emulation than reading.
type cpioArchive struct {
	buf   bytes.Buffer
	inode int
}

const (
	cpioDir    = 0o040000
	cpioFile   = 0o100000
	cpioDevice = 0o020000
)

func (a *cpioArchive) dir(name string) { a.add(name, cpioDir|0o755, 0, 0, nil) }

func (a *cpioArchive) file(name string, mode int, text []byte) {
	a.add(name, cpioFile|mode, 0, 0, text)
}

func (a *cpioArchive) device(name string, mode, major, minor int) {
	a.add(name, cpioDevice|mode, major, minor, nil)
}

func (a *cpioArchive) add(name string, mode, major, minor int, text []byte) {
	a.inode++
	fmt.Fprintf(&a.buf, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.inode, mode, 0, 0, 1, 0, len(text), 0, 0, major, minor, len(name)+1, 0)
	a.buf.WriteString(name)
	a.buf.WriteByte(0)
	a.pad()
	a.buf.Write(text)
	a.pad()
}

// pad fills up to the next multiple of four with at most three zeros.
func (a *cpioArchive) pad() {
	for a.buf.Len()%4 != 0 {
		a.buf.WriteByte(0)
	}
}

func (a *cpioArchive) bytes() []byte {
	a.add("TRAILER!!!", 0, 0, 0, nil)
	return a.buf.Bytes()
}
