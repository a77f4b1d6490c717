// Package images looks at image files and keeps them: which formats are accepted,
// and the folder where each lies under the sum of its content. It refuses files
// that would make a host read anything but themselves.
package images

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// Formats of machine images. The format is found here once and always named to
// the tools that read the image: none is left to guess.
const (
	Raw   = "raw"
	QCOW2 = "qcow2"
)

// Info is what a file turned out to be.
type Info struct {
	Format      string
	Sum         string // sha256, hex
	Size        int64  // bytes of the file
	VirtualSize int64  // bytes of the disk in it
}

const sector = 512

// foreign are formats that are not accepted, by how their files begin.
var foreign = []struct {
	name  string
	begin string
	hint  string
}{
	{"gzip", "\x1f\x8b", "unpack it first: gunzip"},
	{"xz", "\xfd7zXZ\x00", "unpack it first: unxz"},
	{"bzip2", "BZh", "unpack it first: bunzip2"},
	{"zstd", "\x28\xb5\x2f\xfd", "unpack it first: unzstd"},
	{"zip", "PK\x03\x04", "unpack it first: unzip"},
	{"lz4", "\x04\x22\x4d\x18", "unpack it first: unlz4"},
	{"7z", "7z\xbc\xaf\x27\x1c", "unpack it first: 7z x"},
	{"VMDK", "KDMV", "convert it: qemu-img convert -O qcow2"},
	{"VMDK", "# Disk DescriptorFile", "convert it: qemu-img convert -O qcow2"},
	{"VMDK", "COWD", "convert it: qemu-img convert -O qcow2"},
	{"VHD", "conectix", "convert it: qemu-img convert -O qcow2"},
	{"VHDX", "vhdxfile", "convert it: qemu-img convert -O qcow2"},
	{"QED", "QED\x00", "convert it: qemu-img convert -O qcow2"},
	{"VDI", "<<< ", "convert it: qemu-img convert -O qcow2"},
	{"LUKS", "LUKS\xba\xbe", "an encrypted disk cannot be started"},
	{"XML", "<?xml", "this is a text, maybe a bundle's manifest: register the image file itself"},
}

// Machine looks at a machine image: raw, or qcow2 that stands alone.
func Machine(r io.ReaderAt, size int64) (Info, error) {
	head, err := begin(r, size)
	if err != nil {
		return Info{}, err
	}
	if bytes.HasPrefix(head, []byte("QFI\xfb")) {
		return qcow2(head, size)
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.begin)) {
			return Info{}, fmt.Errorf("the file is %s, not a raw or qcow2 image: %s", f.name, f.hint)
		}
	}
	if size%sector != 0 {
		return Info{}, fmt.Errorf("the file has %d bytes, no multiple of %d: not a raw disk, or cut short", size, sector)
	}
	return Info{Format: Raw, Size: size, VirtualSize: size}, nil
}

// begin reads the first bytes; whatever is beyond the file's end is zero.
func begin(r io.ReaderAt, size int64) ([]byte, error) {
	if size == 0 {
		return nil, fmt.Errorf("the file is empty")
	}
	head := make([]byte, 4096)
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return head, nil
}

// Bits of a qcow2 header's incompatible features.
const (
	corrupt      = 1 << 1
	externalData = 1 << 2
	knownBits    = 1<<5 - 1
)

func qcow2(head []byte, size int64) (Info, error) {
	be := binary.BigEndian
	version, clusterBits, virtual := be.Uint32(head[4:]), be.Uint32(head[20:]), be.Uint64(head[24:])
	switch {
	case size < 104:
		return Info{}, fmt.Errorf("qcow2: the header is cut short")
	case version != 2 && version != 3:
		return Info{}, fmt.Errorf("qcow2: version %d is not known (2 and 3 are)", version)
	case be.Uint64(head[8:]) != 0 || be.Uint32(head[16:]) != 0:
		return Info{}, fmt.Errorf("qcow2: the image has a backing file, so it is not whole: qemu-img convert -O qcow2 makes it one")
	case be.Uint32(head[32:]) != 0:
		return Info{}, fmt.Errorf("qcow2: the image is encrypted")
	case clusterBits < 9 || clusterBits > 21:
		return Info{}, fmt.Errorf("qcow2: clusters of 2^%d bytes are not possible", clusterBits)
	case virtual == 0 || virtual > 1<<50:
		return Info{}, fmt.Errorf("qcow2: a disk of %d bytes is not possible", virtual)
	}
	if version == 3 {
		if err := features(be.Uint64(head[72:])); err != nil {
			return Info{}, err
		}
	}
	return Info{Format: QCOW2, Size: size, VirtualSize: int64(virtual)}, nil
}

func features(bits uint64) error {
	switch {
	case bits&externalData != 0:
		return fmt.Errorf("qcow2: the image keeps its data in another file, so it is not whole: qemu-img convert -O qcow2 makes it one")
	case bits&corrupt != 0:
		return fmt.Errorf("qcow2: the image is marked corrupt: qemu-img check -r all")
	case bits&^knownBits != 0:
		return fmt.Errorf("qcow2: the image has features (%#x) that are not known here", bits&^knownBits)
	}
	return nil
}

// Kernel looks at a kernel: bzImage, ELF or an arm64 Image.
func Kernel(r io.ReaderAt, size int64) (Info, error) {
	head, err := begin(r, size)
	if err != nil {
		return Info{}, err
	}
	bzImage := bytes.Equal(head[0x202:0x206], []byte("HdrS"))
	if !bzImage && !bytes.HasPrefix(head, []byte("\x7fELF")) && !bytes.Equal(head[56:60], []byte("ARMd")) {
		return Info{}, fmt.Errorf("the file is no Linux kernel (bzImage, ELF or arm64 Image)")
	}
	return Info{Format: Raw, Size: size, VirtualSize: size}, nil
}

// ramdisks are how an initial ramdisk may begin: cpio, plain or compressed.
var ramdisks = []string{"070701", "070702", "\x1f\x8b", "\xfd7zXZ\x00", "BZh", "\x28\xb5\x2f\xfd", "\x02\x21\x4c\x18", "\x04\x22\x4d\x18", "\x5d\x00\x00", "\x89LZO"}

// Ramdisk looks at an initial ramdisk.
func Ramdisk(r io.ReaderAt, size int64) (Info, error) {
	head, err := begin(r, size)
	if err != nil {
		return Info{}, err
	}
	for _, b := range ramdisks {
		if bytes.HasPrefix(head, []byte(b)) {
			return Info{Format: Raw, Size: size, VirtualSize: size}, nil
		}
	}
	return Info{}, fmt.Errorf("the file is no initial ramdisk (a cpio archive, plain or compressed)")
}
