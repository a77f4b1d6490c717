package images

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
)

type readerAt = io.ReaderAt

// What is accepted stands alone, whatever else its bytes say.
func FuzzMachine(f *testing.F) {
	header := make([]byte, 512)
	copy(header, "QFI\xfb\x00\x00\x00\x03")
	header[23], header[30] = 16, 16
	f.Add(header)
	f.Add(make([]byte, 512))
	f.Add([]byte("KDMV"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := Machine(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if info.VirtualSize <= 0 || info.Size != int64(len(b)) {
			t.Fatalf("%+v of %d bytes", info, len(b))
		}
		switch info.Format {
		case Raw:
			if len(b)%sector != 0 || bytes.HasPrefix(b, []byte("QFI\xfb")) {
				t.Fatalf("%+v", info)
			}
		case QCOW2:
			be := binary.BigEndian
			v3 := be.Uint32(b[4:]) == 3
			if be.Uint64(b[8:]) != 0 || be.Uint32(b[32:]) != 0 || v3 && be.Uint64(b[72:])&externalData != 0 {
				t.Fatalf("%+v is not whole: % x", info, b[:104])
			}
		default:
			t.Fatalf("%+v", info)
		}
	})
}

func FuzzKernelAndRamdisk(f *testing.F) {
	f.Add([]byte("\x7fELF"))
	f.Add([]byte("070701"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, look := range []Look{Kernel, Ramdisk} {
			if info, err := look(bytes.NewReader(b), int64(len(b))); err == nil && (info.Format != Raw || len(b) == 0) {
				t.Fatalf("%+v", info)
			}
		}
	})
}
