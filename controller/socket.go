package controller

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"eucactl/cloud"
	"eucactl/preflight"
	"eucactl/state"
)

// The socket carries one request a connection: a line of JSON each way, and lines
// of progress before the last. It is the owner's alone (mode 0600): who can open it
// could open the store.
type frame struct {
	// asked
	Inventory string                  `json:"inventory,omitempty"` // sum of the asker's inventory
	Call      *Call                   `json:"call,omitempty"`
	Reconcile *Reconcile              `json:"reconcile,omitempty"`
	Console   *cloud.GetConsoleOutput `json:"console,omitempty"`
	Why       *cloud.Why              `json:"why,omitempty"`
	Caller    Caller                  `json:"caller,omitzero"`
	Preflight *Preflight              `json:"preflight,omitempty"`
	Bundle    *Bundle                 `json:"bundle,omitempty"`
	Plan      string                  `json:"plan,omitempty"`
	Export    bool                    `json:"export,omitempty"`
	Log       *[2]uint64              `json:"log,omitempty"`
	Who       bool                    `json:"who,omitempty"` // who owns the records; with any inventory
	// answered
	Progress *HostReport     `json:"progress,omitempty"`
	Chunk    []byte          `json:"chunk,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    *cloud.Error    `json:"error,omitempty"`
	Done     bool            `json:"done,omitempty"`
}

// askWithin is how long an asker that has connected may think before it asks; Close
// waits for it.
const askWithin = 10 * time.Second

// longestSocket is what Linux can bind a socket to.
const longestSocket = 107

// otherInventory: the owner works with another inventory, so it cannot do what
// this process means.
const otherInventory = "OtherInventory"

// Serve answers requests of other processes on the socket until Close. They end
// with ctx, as this process's own work does.
func (c *Controller) Serve(ctx context.Context, path, inventorySum string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // we hold the store's lock, so nobody listens there
	}
	if len(path) > longestSocket {
		return fmt.Errorf("%s is too long for a socket (%d bytes, at most %d): choose a shorter state directory", path, len(path), longestSocket)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.served.Add(1)
			accepting.Go(func() {
				defer c.served.Add(-1)
				c.serve(ctx, conn, inventorySum)
			})
		}
	})
	c.stop = func() error {
		c.drain(ctx)
		err := l.Close() // removes the file too
		accepting.Wait()
		return err
	}
	return nil
}

// drain goes on answering until nobody asks: who came through the socket could not
// work meanwhile if it were closed before the store is given back.
func (c *Controller) drain(ctx context.Context) {
	told := false
	for c.served.Load() > 0 && ctx.Err() == nil {
		if !told && c.Waiting != nil {
			told = true
			c.Waiting(fmt.Sprintf("done; waiting for %d other eucactl that work through this one", c.served.Load()))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (c *Controller) serve(ctx context.Context, conn net.Conn, inventorySum string) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	in := bufio.NewReader(conn)
	_ = conn.SetReadDeadline(time.Now().Add(askWithin))
	line, err := in.ReadBytes('\n')
	if err != nil {
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	go func() { // an asker that goes away asks no more
		_, _ = in.ReadByte()
		cancel()
	}()
	out := &sender{enc: json.NewEncoder(conn)}
	var asked frame
	if err := json.Unmarshal(line, &asked); err != nil {
		out.end(nil, cloud.Errorf("MalformedQueryString", "%v", err))
		return
	}
	if asked.Who {
		out.end(Owner{PID: os.Getpid(), Serving: c.serving.Load()}, nil)
		return
	}
	if asked.Inventory != inventorySum {
		out.end(nil, cloud.Errorf(otherInventory, "process %d works with another inventory: %s", os.Getpid(), c.Inventory.File()))
		return
	}
	result, err := c.answer(ctx, asked, out)
	if ctx.Err() == nil { // or else it asks whoever has the records next
		out.end(result, err)
	}
}

func (c *Controller) answer(ctx context.Context, f frame, out *sender) (any, error) {
	switch {
	case f.Call != nil:
		return c.Do(ctx, *f.Call)
	case f.Reconcile != nil:
		return c.Reconcile(ctx, *f.Reconcile, func(r HostReport) { out.send(frame{Progress: &r}) })
	case f.Console != nil:
		return c.Console(ctx, f.Caller, *f.Console)
	case f.Why != nil:
		return c.Why(ctx, f.Caller, *f.Why)
	case f.Preflight != nil:
		return c.Preflight(ctx, *f.Preflight)
	case f.Bundle != nil:
		return c.Bundle(ctx, *f.Bundle, out)
	case f.Plan != "":
		return c.Plan(ctx, f.Plan)
	case f.Export:
		return struct{}{}, c.Export(ctx, out)
	case f.Log != nil:
		return c.Log(ctx, f.Log[0], f.Log[1])
	}
	return nil, cloud.Errorf("InvalidAction", "nothing was asked")
}

// sender writes frames of several goroutines one after the other.
type sender struct {
	mu  sync.Mutex
	enc *json.Encoder
}

func (s *sender) send(f frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.enc.Encode(f) // an asker that went away is noticed by the reader
}

// Write sends a piece of a long answer.
func (s *sender) Write(p []byte) (int, error) { s.send(frame{Chunk: p}); return len(p), nil }

func (s *sender) end(result any, err error) {
	f := frame{Done: true}
	var refused *cloud.Error
	switch {
	case errors.As(err, &refused):
		f.Error = refused
	case err != nil:
		f.Error = &cloud.Error{Message: err.Error()}
	default:
		f.Result, err = json.Marshal(result)
		if err != nil {
			f.Error = &cloud.Error{Message: err.Error()}
		}
	}
	s.send(f)
}

// Client is a Door to the process that owns the store.
type Client struct {
	path      string
	inventory string
}

// errGone: the owner went away before it answered. What was asked may or may not
// have been done; with a client token it can be asked again.
var errGone = errors.New("the process that owns the records went away")

func (cl *Client) ask(ctx context.Context, f frame, result any, each func(frame)) error {
	conn, err := net.Dial("unix", cl.path)
	if err != nil {
		return fmt.Errorf("%w: %v", errGone, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	f.Inventory = cl.inventory
	if err := json.NewEncoder(conn).Encode(f); err != nil {
		return fmt.Errorf("%w: %v", errGone, err)
	}
	dec := json.NewDecoder(conn)
	for {
		var got frame
		if err := dec.Decode(&got); err != nil {
			return errors.Join(ctx.Err(), fmt.Errorf("%w: %v", errGone, err))
		}
		switch {
		case !got.Done:
			each(got)
		case got.Error != nil && got.Error.Code == "":
			return errors.New(got.Error.Message)
		case got.Error != nil:
			return got.Error
		default:
			return json.Unmarshal(got.Result, result)
		}
	}
}

// who asks the owner who it is.
func (cl *Client) who(ctx context.Context) (o Owner, err error) {
	err = cl.ask(ctx, frame{Who: true}, &o, nil)
	return o, err
}

// Do implements Door.
func (cl *Client) Do(ctx context.Context, call Call) (a Answer, err error) {
	err = cl.ask(ctx, frame{Call: &call}, &a, nil)
	return a, err
}

// Reconcile implements Door.
func (cl *Client) Reconcile(ctx context.Context, req Reconcile, progress func(HostReport)) (r Reconciled, err error) {
	err = cl.ask(ctx, frame{Reconcile: &req}, &r, func(f frame) {
		if f.Progress != nil && progress != nil {
			progress(*f.Progress)
		}
	})
	return r, err
}

// Console implements Door.
func (cl *Client) Console(ctx context.Context, caller Caller, req cloud.GetConsoleOutput) (out cloud.ConsoleOutput, err error) {
	err = cl.ask(ctx, frame{Console: &req, Caller: caller}, &out, nil)
	return out, err
}

// Why implements Door.
func (cl *Client) Why(ctx context.Context, caller Caller, req cloud.Why) (out cloud.Diagnosis, err error) {
	err = cl.ask(ctx, frame{Why: &req, Caller: caller}, &out, nil)
	return out, err
}

// Preflight implements Door.
func (cl *Client) Preflight(ctx context.Context, req Preflight) (out preflight.Result, err error) {
	err = cl.ask(ctx, frame{Preflight: &req}, &out, nil)
	return out, err
}

// Plan implements Door.
func (cl *Client) Plan(ctx context.Context, host string) (p map[string]any, err error) {
	err = cl.ask(ctx, frame{Plan: host}, &p, nil)
	return p, err
}

// Bundle implements Door.
func (cl *Client) Bundle(ctx context.Context, req Bundle, w io.Writer) (out Bundled, err error) {
	err = cl.stream(ctx, frame{Bundle: &req}, &out, w)
	return out, err
}

// Export implements Door.
func (cl *Client) Export(ctx context.Context, w io.Writer) error {
	return cl.stream(ctx, frame{Export: true}, &struct{}{}, w)
}

// stream asks for a long answer, which arrives in pieces.
func (cl *Client) stream(ctx context.Context, f frame, result any, w io.Writer) error {
	var failed error
	err := cl.ask(ctx, f, result, func(f frame) {
		_, err := w.Write(f.Chunk)
		failed = errors.Join(failed, err)
	})
	return errors.Join(err, failed)
}

// Log implements Door.
func (cl *Client) Log(ctx context.Context, from, to uint64) (list []state.Entry, err error) {
	err = cl.ask(ctx, frame{Log: &[2]uint64{from, to}}, &list, nil)
	return list, err
}

// Close implements Door.
func (cl *Client) Close() error { return nil }
