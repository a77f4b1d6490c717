package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// Dial connects from the controller's place, the lab's own namespace, without leaving this process. The address must
// be numeric.
func (l *Lab) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = l.inNetwork(".", func() error {
		var d net.Dialer
		conn, err = d.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen listens at an address of a host, or of the lab's own namespace for ".".
func (l *Lab) Listen(host, network, address string) (ln net.Listener, err error) {
	err = l.inNetwork(host, func() error {
		ln, err = net.Listen(network, address)
		return err
	})
	return ln, err
}

// Inside runs fn in a host's network namespace, or in another one that is named like the lab's hosts' are. Sockets that
// fn makes stay there; goroutines that it starts do not run there.
func (l *Lab) Inside(host string, fn func() error) error { return l.inNetwork(host, fn) }

// inNetwork runs fn on a thread that sits in a host's network namespace. Sockets that fn makes stay there; goroutines
// that it starts do not run there. A thread that does not get back is thrown away with its goroutine.
func (l *Lab) inNetwork(host string, fn func() error) error {
	if err := l.shared(host); err != nil {
		return err
	}
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			result <- err
			return
		}
		defer home.Close()
		away, err := os.Open(filepath.Join(netnsDir, l.Net(host)))
		if err != nil {
			result <- fmt.Errorf("lab %s: %s has no network: %w", l.Name, host, err)
			return
		}
		defer away.Close()
		if err := unix.Setns(int(away.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("enter %s: %w", l.Net(host), err)
			return
		}
		err = fn()
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back == nil {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}
