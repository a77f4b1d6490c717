package playbooks

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"eucactl/inventory"
	"eucactl/tasks"
)

// liar answers programs with whatever the bytes say: results that nobody asked for,
// outcomes that make no sense, replies that break off.
type liar struct {
	*Machines
	bytes []byte
	at    int
}

func (l *liar) next() byte {
	if len(l.bytes) == 0 {
		return 0
	}
	l.at++
	return l.bytes[l.at%len(l.bytes)]
}

func (l *liar) Stage(_ context.Context, _ string, s Stage) (tasks.Report, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next()%17 == 1 {
		return tasks.Report{}, &Unreachable{Reason: "gone", TimedOut: l.next()%2 == 0}
	}
	if l.next()%29 == 1 {
		return tasks.Report{}, errors.New("something else")
	}
	report := tasks.Report{Hello: true, Stage: l.next()%7 != 1, Done: l.next()%5 == 1}
	outcomes := []tasks.Outcome{tasks.OK, tasks.Changed, tasks.Failed, tasks.Unsettled, tasks.Skipped, tasks.Unknown, tasks.Would, "nonsense"}
	for i := range s.Program.Tasks {
		b := l.next()
		r := tasks.Result{Index: i, Outcome: outcomes[int(b)%len(outcomes)], RC: int(b), Words: string(l.bytes), Needs: -1}
		switch b % 13 {
		case 1:
			r.Index = int(b) - 100
		case 2:
			continue
		case 3:
			r.Why = "needs 0"
		case 4:
			r.Data = map[string]string{"rc": string(l.bytes), "x_json": string(l.bytes), "stdout": "{{ boom }}", "facts": string(l.bytes), "left": string(l.bytes), "content": "@@", "skipped_json": "true"}
		case 5:
			r.Data = map[string]string{"failed_json": "true", "results_json": "[1]", "changed": "maybe"}
		}
		report.Results = append(report.Results, r)
		if s.OnResult != nil && b%3 == 0 {
			s.OnResult(r)
		}
	}
	return report, nil
}

const hostileBook = `
- hosts: all
  strategy: linear
  serial: [1, 2]
  vars: { a: "{{ r.stdout | default('none') }}" }
  tasks:
    - { name: one, say: { text: x }, register: r, notify: h }
    - { name: facts, debug: { msg: "{{ ansible_distribution | default('?') }} {{ a }}" } }
    - { name: loop, say: { text: "{{ item }}" }, loop: "{{ r.stdout_lines | default([1, 2]) }}", register: l, ignore_errors: true }
    - { name: until, say: { text: x }, register: u, until: u.rc | default(1) == 0, retries: 2, delay: 0, ignore_errors: true }
    - block:
        - { name: in, say: { text: x }, failed_when: "'x' in (r.stdout | default(''))", register: r2 }
        - { set_fact: { f: "{{ r2.stdout | default('') }}" } }
      rescue:
        - { debug: { msg: "{{ ansible_failed_result.msg | default('') }}" } }
        - meta: flush_handlers
      always:
        - { name: once, say: { text: x }, run_once: true, register: o }
    - { name: there, say: { text: x }, delegate_to: h1 }
    - { debug: { msg: "{{ hostvars['h2'].f | default('-') }} {{ o.stdout | default('-') }}" } }
    - { name: kept, fetch: { src: /etc/x, dest: out/ }, ignore_errors: true }
    - { name: all fatal, say: { text: x }, any_errors_fatal: "{{ inventory_hostname == 'h3' }}" }
  handlers:
    - { name: h, say: { text: h } }
    - { name: g, debug: { msg: "{{ r.stdout }}" }, listen: h }
- hosts: all
  force_handlers: true
  max_fail_percentage: 40
  tasks:
    - { name: last, say: { text: x }, changed_when: "'a' in (a | string)", notify: h }
  handlers:
    - { name: h, say: { text: h } }
`

// FuzzReports looks for replies of hosts that stop or mislead a run: it always ends,
// and counts no more than there is.
func FuzzReports(f *testing.F) {
	lib, err := library(f).Overlay(testKinds, "test")
	if err != nil {
		f.Fatal(err)
	}
	inv, err := inventory.Open(inventory.Sources{Paths: []string{"h1,h2,h3"}})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 40 {
		f.Add([]byte(fmt.Sprintf("%d hello %d", i*7919, i)))
	}
	f.Add([]byte{0, 1, 2, 3, 4, 5, 250, 9, 13, 17, 29})
	f.Fuzz(func(t *testing.T, data []byte) {
		src := &Source{Files: fstest.MapFS{"site.yml": {Data: []byte(hostileBook)}}}
		pb, err := src.Load("site.yml")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		var out told
		run := Run{Playbook: pb, Inventory: inv, Library: lib, Runner: &liar{Machines: NewMachines(t), bytes: data}, Events: &out}
		_, err = run.Do(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("never ends: %v", err)
		}
		for host, s := range out.stats {
			if s.Unreachable > 2 || s.OK > 60 || s.Failed > 40 {
				t.Errorf("%s: %+v", host, s)
			}
		}
	})
}
