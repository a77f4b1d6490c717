package lab

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// openTaps makes the cables of a host with its own kernel: taps in the lab's switches. The kernel gets them as open
// files and needs no other way into the lab's network; a tap is gone when nobody has it open any more, so a power cut
// pulls the cables as well.
func (l *Lab) openTaps(h Host) (taps []*os.File, err error) {
	var batch strings.Builder
	for i, bridge := range h.cables() {
		name := cable(h.Name, i)
		tap, err := l.openTap(name)
		if err != nil {
			closeAll(taps)
			return nil, err
		}
		taps = append(taps, tap)
		fmt.Fprintf(&batch, "link set %s master %s up\n", name, bridge)
	}
	if err := ipBatch(l.Name, batch.String()); err != nil {
		closeAll(taps)
		return nil, err
	}
	return taps, nil
}

func (l *Lab) openTap(name string) (tap *os.File, err error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, fmt.Errorf("tap %s: %w", name, err)
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	err = l.inNetwork(".", func() error {
		// The host's kernel must not fall asleep in a read.
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return fmt.Errorf("/dev/net/tun: %w", err)
		}
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
			return fmt.Errorf("tap %s: %w", name, err)
		}
		tap = os.NewFile(uintptr(fd), name)
		return nil
	})
	return tap, err
}

func closeAll(files []*os.File) {
	for _, f := range files {
		// Whoever was to have it has it.
		_ = f.Close()
	}
}
