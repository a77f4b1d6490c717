package lab

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// User-mode Linux before 6.13 takes it that the extended registers of a processor fill 2696 bytes and hands the
// machine's kernel that much when it switches between programs. Processors with AMX have 11008, and the machine's
// kernel takes all or nothing: PTRACE_SETREGSET fails with EFAULT, and so does the first program. The bytes beyond
// are never looked at as long as nobody uses AMX, so all that is wrong is the number.

// The instructions that set the number and PTRACE_SETREGSET: movq $2696,-8(%rbp); mov $0x4205,%edi.
var (
	setSize    = []byte{0x48, 0xc7, 0x45, 0xf8}
	oldSize    = []byte{0x88, 0x0a, 0x00, 0x00}
	setRequest = []byte{0xbf, 0x05, 0x42, 0x00, 0x00}
)

// keepKernel names a kernel that works on this machine's processor: Debian's, or a mended copy beside the labs.
func (l *Lab) keepKernel() (string, error) {
	path, err := exec.LookPath("linux.uml")
	if err != nil {
		return "", err
	}
	size, err := registerSize()
	if err != nil {
		return "", fmt.Errorf("ask for the size of the processor's registers: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	wrong := bytes.Join([][]byte{setSize, oldSize, setRequest}, nil)
	if size <= int(binary.LittleEndian.Uint32(oldSize)) || !bytes.Contains(text, wrong) {
		return path, nil
	}
	right := bytes.Join([][]byte{setSize, binary.LittleEndian.AppendUint32(nil, uint32(size)), setRequest}, nil)
	mended := bytes.ReplaceAll(text, wrong, right)
	kept := filepath.Join(filepath.Dir(l.Dir), ".linux.uml."+strconv.Itoa(size))
	if old, err := os.ReadFile(kept); err == nil && bytes.Equal(old, mended) {
		return kept, nil
	}
	return kept, replaceFile(kept, mended, 0o755)
}

// registerSize asks the machine's kernel, as a debugger does, for all of a process' extended registers.
func registerSize() (int, error) {
	// Only the thread that started a process may trace it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var status unix.WaitStatus
	if _, err := unix.Wait4(cmd.Process.Pid, &status, 0, nil); err != nil {
		return 0, err
	}
	const extended = 0x202 // NT_X86_XSTATE
	buffer := make([]byte, 1<<20)
	area := unix.Iovec{Base: &buffer[0]}
	area.SetLen(len(buffer))
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GETREGSET, uintptr(cmd.Process.Pid), extended,
		uintptr(unsafe.Pointer(&area)), 0, 0)
	runtime.KeepAlive(buffer)
	if errors.Is(errno, unix.ENODEV) {
		return 0, nil
	} else if errno != 0 {
		return 0, errno
	}
	return int(area.Len), nil
}
