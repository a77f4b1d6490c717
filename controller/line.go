package controller

import (
	"context"

	"eucactl/remote"
)

// line is a connection that stays open from one poll to the next.
type line struct {
	dial func(context.Context) (remote.Conn, error)
	conn remote.Conn
	kept bool // it served before: that it broke does not mean that the host is silent
}

func (l *line) open(ctx context.Context) (remote.Conn, error) {
	if l.conn != nil {
		l.kept = true
		return l.conn, nil
	}
	conn, err := l.dial(ctx)
	if err == nil {
		l.conn, l.kept = conn, false
	}
	return conn, err
}

func (l *line) hangUp() {
	if l.conn != nil {
		_ = l.conn.Close()
	}
	l.conn, l.kept = nil, false
}
