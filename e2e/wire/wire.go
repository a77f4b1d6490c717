// Package wire puts single frames on a cable and reads what comes along, below any host's own stack: what a test sends
// is sent exactly so, and nobody answers for it.
package wire

import (
	"fmt"
	"math/bits"
	"net"

	"golang.org/x/sys/unix"
)

// Wire is a device that is listened to. It is used by one reader and any number of writers.
type Wire struct {
	fd, index int
	MAC       net.HardwareAddr // the device's own
}

// Open listens to a device of this thread's network namespace: whole frames, its own and others', in both directions.
func Open(dev string) (*Wire, error) {
	link, err := net.InterfaceByName(dev)
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", dev, err)
	}
	// Only who asks for all protocols sees what this host sends.
	proto := bits.ReverseBytes16(unix.ETH_P_ALL)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(proto))
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20)
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: link.Index}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("listen to %s: %w", dev, err)
	}
	return &Wire{fd, link.Index, link.HardwareAddr}, nil
}

// Frame is an Ethernet frame as it was heard.
type Frame struct {
	Bytes   []byte // valid until the next one is read
	Out     bool   // this host sent it
	Foreign bool   // it is for somebody else's MAC
}

// Next waits for a frame.
func (w *Wire) Next(buf []byte) (Frame, error) {
	for {
		n, from, err := unix.Recvfrom(w.fd, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return Frame{}, err
		}
		link, ok := from.(*unix.SockaddrLinklayer)
		if ok && n >= HeaderLen {
			return Frame{buf[:n], link.Pkttype == unix.PACKET_OUTGOING, link.Pkttype == unix.PACKET_OTHERHOST}, nil
		}
	}
}

// Send puts a frame on the cable.
func (w *Wire) Send(frame []byte) error {
	return unix.Sendto(w.fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: w.index})
}

// Close ends the listening. A reader that waits goes on waiting until the next frame.
func (w *Wire) Close() error { return unix.Close(w.fd) }
