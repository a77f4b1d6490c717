package playbooks

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"mvdan.cc/sh/v3/syntax"
)

// waiting is how a host is waited for: seconds of the kinds wait_for_connection and
// reboot.
type waiting struct {
	delay, timeout, sleep, after, connect time.Duration
}

func waitingOf(c call, names map[string]string, fallback waiting) (waiting, error) {
	for arg, what := range names {
		v, ok := c.args[arg]
		if !ok {
			continue
		}
		n, isNumber := numberOf(v)
		if !isNumber || n < 0 {
			return fallback, failing(map[string]any{"msg": fmt.Sprintf("%s is a number of seconds, not %s", arg, describeValue(v))})
		}
		d := time.Duration(n * float64(time.Second))
		switch what {
		case "delay":
			fallback.delay = d
		case "timeout":
			fallback.timeout = d
		case "sleep":
			fallback.sleep = d
		case "after":
			fallback.after = d
		case "connect":
			fallback.connect = d
		}
	}
	return fallback, nil
}

// asked runs one command of sh on the host, and gives what it prints. The host has so
// many seconds to let us in, or as many as ever.
func (w *walker) asked(script string, seconds int) (string, error) {
	st := w.newStage(w.stage.host, w.stage.login)
	st.login.Timeout = cmp.Or(seconds, st.login.Timeout)
	t, err := st.program.Call("shell", map[string]any{"cmd": script}, false)
	if err != nil {
		return "", err
	}
	t.Flags.Check = "no"
	st.program.Add(t)
	report, err := w.run.Runner.Stage(w.ctx, st.host, Stage{Program: st.program, Login: st.login, Secrets: w.run.secrets()})
	switch {
	case err != nil:
		return "", err
	case len(report.Results) == 0:
		return "", &Unreachable{Reason: "the host said nothing"}
	}
	fields := fieldsOf(report.Results[0])
	out, _ := fields["stdout"].(string)
	if report.Results[0].Outcome.Bad() {
		return out, fmt.Errorf("%v", fields["msg"])
	}
	return strings.TrimSpace(out), nil
}

// try is how many seconds a host has to let us in: not so many that one which comes up
// meanwhile is waited for in vain.
func (how waiting) try(took time.Duration) int {
	return int(min(max(how.timeout-took, time.Second), max(how.connect, time.Second)).Seconds())
}

// awaitHost waits until the host answers a question as it should.
func (w *walker) awaitHost(how waiting, script string, enough func(answer string) bool) (took time.Duration, err error) {
	began := w.run.Runner.Now()
	host := w.mem.host.Name
	if err := w.run.Runner.Sleep(w.ctx, host, how.delay); err != nil {
		return 0, err
	}
	for {
		if err := w.run.Runner.Reset(w.ctx, host); err != nil {
			return 0, err
		}
		answer, err := w.asked(script, how.try(took))
		took = w.run.Runner.Now().Sub(began)
		switch {
		case w.ctx.Err() != nil:
			return took, w.ctx.Err()
		case err == nil && enough(answer):
			return took, nil
		case took > how.timeout:
			if err == nil {
				err = fmt.Errorf("it answers, but has not come up anew")
			}
			return took, fmt.Errorf("timed out waiting for the host: %w", err)
		}
		if err := w.run.Runner.Sleep(w.ctx, host, how.sleep); err != nil {
			return took, err
		}
	}
}

// loggedIn makes the host's own stage one for the task's user.
func (w *walker) loggedIn(e *entry) error {
	if err := w.flush(); err != nil {
		return err
	}
	l, err := w.login(e.around, w.mem)
	if err != nil {
		return err
	}
	w.stage.login = l
	return nil
}

// doWaitForConnection waits until the host can be reached.
func doWaitForConnection(w *walker, e *entry, c call) (map[string]any, error) {
	how, err := waitingOf(c, map[string]string{"delay": "delay", "timeout": "timeout", "sleep": "sleep", "connect_timeout": "connect"},
		waiting{timeout: 600 * time.Second, sleep: time.Second, connect: 5 * time.Second})
	if err != nil {
		return nil, err
	}
	if err := w.loggedIn(e); err != nil {
		return nil, err
	}
	took, err := w.awaitHost(how, ":", func(string) bool { return true })
	if err != nil {
		if isEnd(err) {
			return nil, err
		}
		return nil, failing(map[string]any{"msg": err.Error(), "elapsed": int64(took.Seconds())})
	}
	return map[string]any{"changed": false, "elapsed": int64(took.Seconds())}, nil
}

const bootID = "cat /proc/sys/kernel/random/boot_id"

// doReboot reboots the host and waits until it is there again.
func doReboot(w *walker, e *entry, c call) (map[string]any, error) {
	how, err := waitingOf(c, map[string]string{"reboot_timeout": "timeout", "reboot_timeout_sec": "timeout",
		"post_reboot_delay": "after", "post_reboot_delay_sec": "after", "connect_timeout": "connect", "connect_timeout_sec": "connect"},
		waiting{timeout: 600 * time.Second, sleep: time.Second, connect: 10 * time.Second})
	if err != nil {
		return nil, err
	}
	if err := w.loggedIn(e); err != nil {
		return nil, err
	}
	if w.opts.Check {
		return map[string]any{"changed": true, "rebooted": true, "elapsed": int64(0)}, nil
	}
	was, err := w.asked(bootID, 0)
	if err != nil {
		return nil, failing(map[string]any{"msg": "the host cannot be asked when it was booted: " + err.Error(), "rebooted": false})
	}
	command := "systemctl reboot || reboot || shutdown -r now"
	if text, ok := c.args["reboot_command"].(string); ok && text != "" {
		command = text
	}
	if text, ok := c.args["msg"].(string); ok && text != "" {
		words, err := syntax.Quote(text, syntax.LangPOSIX)
		if err != nil {
			return nil, failing(map[string]any{"msg": "msg: " + err.Error()})
		}
		command = "printf '%s\\n' " + words + " | wall; " + command
	}
	before, _ := numberOf(c.args["pre_reboot_delay"])
	// The shell lets go before the host does, or its answer would be lost.
	if _, err := w.asked(fmt.Sprintf("(sleep %d; %s) </dev/null >/dev/null 2>&1 &", max(1, int(before)), command), 0); err != nil {
		return nil, failing(map[string]any{"msg": "the host does not reboot: " + err.Error(), "rebooted": false})
	}
	test := "true"
	if text, ok := c.args["test_command"].(string); ok && text != "" {
		test = text
	}
	how.delay = 2 * time.Second
	took, err := w.awaitHost(how, bootID+" && { "+test+"; } >/dev/null", func(now string) bool { return now != was })
	if err != nil {
		if isEnd(err) {
			return nil, err
		}
		return nil, failing(map[string]any{"msg": err.Error(), "rebooted": true, "changed": true, "elapsed": int64(took.Seconds())})
	}
	w.mem.forget()
	if err := w.run.Runner.Sleep(w.ctx, w.mem.host.Name, how.after); err != nil {
		return nil, err
	}
	return map[string]any{"changed": true, "rebooted": true, "elapsed": int64(took.Seconds())}, nil
}
