package main

import (
	"bufio"
	"fmt"
	"net"
	"sync"
	"time"
)

// talk keeps one flow to each target going for a while: from one source port, on tcp one connection. It prints how many
// requests it sent, how many were answered, and by whom in order.
func talk(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: probe talk DURATION TARGET ...")
	}
	length, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	targets, err := parseTargets(args[1:])
	if err != nil {
		return err
	}
	lines := make([]string, len(targets))
	var wg sync.WaitGroup
	for i, t := range targets {
		c, err := net.DialTimeout(t.proto+"4", t.addr.String(), 5*time.Second)
		if err != nil {
			return err
		}
		wg.Go(func() { lines[i] = converse(c, t, length) })
	}
	wg.Wait()
	for _, line := range lines {
		fmt.Println(line)
	}
	return nil
}

func converse(c net.Conn, t target, length time.Duration) string {
	r := &tally{seen: map[int]bool{}}
	end := ""
	newline := ""
	if udp, ok := c.(*net.UDPConn); ok {
		go hear(udp, r)
	} else {
		newline = "\n"
		go func() {
			for in := bufio.NewScanner(c); in.Scan(); {
				r.answer(in.Text())
			}
		}()
	}
	sent := 0
	begin := time.Now()
	for time.Since(begin) < length {
		sent++
		// A flow that is cut fills its buffer: that is no reason to wait.
		_ = c.SetWriteDeadline(time.Now().Add(beat))
		if _, err := fmt.Fprintf(c, "%d%s", sent, newline); err != nil && newline != "" {
			end = "; its connection broke: " + err.Error()
			break
		}
		time.Sleep(time.Until(begin.Add(beat * time.Duration(sent))))
	}
	// What is under way arrives; a second without an answer says that nothing is.
	for had, quiet := -1, time.Now(); time.Since(quiet) < time.Second; time.Sleep(beat) {
		n, _ := r.words()
		if n == sent {
			break
		}
		if n != had {
			had, quiet = n, time.Now()
		}
	}
	n, by := r.words()
	return fmt.Sprintf("%s: sent %d, answered %d, missing %d%s%s", t, sent, n, sent-n, by, end)
}
