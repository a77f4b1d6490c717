package state

import (
	"errors"
	"fmt"
)

// ErrClosed is what a closed store answers.
var ErrClosed = errors.New("state is closed")

// LockedError says that another process has the state open. Whoever holds it longer
// than one transaction serves the socket.
type LockedError struct {
	Dir string
	PID int // of the holder; 0 if unknown
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("state in %s is in use", e.Dir)
	}
	return fmt.Sprintf("state in %s is in use by process %d", e.Dir, e.PID)
}

// BrokenError says that a write failed in a way that leaves open whether the disk
// has it. The process should end: the next Open finds the last change whole or absent.
type BrokenError struct{ Err error }

func (e *BrokenError) Error() string {
	return fmt.Sprintf("state is broken, start again to learn whether the last change was kept: %v", e.Err)
}

func (e *BrokenError) Unwrap() error { return e.Err }

// ClaimedError says that a scarce thing is held by another record.
type ClaimedError struct {
	Name   string
	Holder string
}

func (e *ClaimedError) Error() string { return fmt.Sprintf("%s is held by %s", e.Name, e.Holder) }

// VersionError says that a record was written by a newer eucactl.
type VersionError struct {
	Record  string // "<table>/<key>"
	Version int
	Known   int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("record %s is version %d; this eucactl knows up to %d", e.Record, e.Version, e.Known)
}
