package playbooks

import "testing"

// A handler that is notified by one after it runs at the next flush, one after the
// notifying one at once; what a handler says to itself is lost.
func TestHandlersNotifyHandlers(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- name: flushes
  hosts: all
  gather_facts: false
  tasks:
    - { name: one, say: {}, notify: d }
    - meta: flush_handlers
    - { name: two, say: {} }
    - meta: flush_handlers
    - { name: three, say: {} }
  handlers: &handlers
    - { name: a, say: {} }
    - { name: b, say: {}, listen: topic }
    - { name: c, say: {}, notify: c }
    - { name: d, say: {}, notify: [a, e, topic, c] }
    - { name: e, say: {} }
- name: sections
  hosts: all
  gather_facts: false
  tasks: [{ name: one, say: {}, notify: d }]
  handlers: *handlers
`}, "h1\n", nil)
	p.says(
		"PLAY flushes",
		"h1 one: changed", "h1 meta: none", "h1 d: changed", "h1 e: changed",
		"h1 two: changed", "h1 meta: none", "h1 a: changed", "h1 b: changed", "h1 c: changed",
		"h1 three: changed",
		"PLAY sections",
		"h1 one: changed", "h1 d: changed", "h1 e: changed", "h1 a: changed", "h1 b: changed", "h1 c: changed",
	)
}

// Handlers that are forced run after a task that failed, not after a handler that did.
func TestForcedHandlersThatFail(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- name: tasks
  hosts: all
  gather_facts: false
  force_handlers: true
  pre_tasks:
    - { name: one, say: {}, notify: [a, b, c] }
    - { name: fails on y, say: { rc: "{{ 1 if inventory_hostname == 'y' else 0 }}" } }
  tasks:
    - { name: two, say: {}, notify: c }
  handlers:
    - { name: z, say: {} }
    - { name: a, say: {}, notify: z }
    - { name: b, say: { rc: "{{ 1 if inventory_hostname == 'x' else 0 }}" } }
    - { name: c, say: {} }
`}, "w\nx\ny\n", nil)
	p.says(
		"PLAY tasks",
		"w one: changed", "x one: changed", "y one: changed",
		"w fails on y: changed", "x fails on y: changed", "y fails on y: failed exit status 1",
		"w a: changed", "x a: changed", "y a: changed",
		"w b: changed", "x b: failed exit status 1", "y b: changed",
		"w c: changed", "y c: changed",
		"w two: changed", "w z: changed", "w c: changed",
	)
}

// A handler that does nothing on the host is forgotten there too when it ran.
func TestHandlersThatRanAreForgotten(t *testing.T) {
	again := "- name: again\n  hosts: all\n  gather_facts: false\n  tasks: [{ name: two, say: { changes: false } }]\n  handlers: *handlers\n"
	p := play(t, map[string]string{"site.yml": `
- name: notifies
  hosts: all
  gather_facts: false
  tasks: [{ name: one, say: {}, notify: tells }]
  handlers: &handlers [{ name: tells, debug: { msg: told } }]
` + again}, "h1\n", nil)
	p.says("PLAY notifies", "h1 one: changed", "h1 tells: ok told", "PLAY again", "h1 two: ok")
}

// Handlers that are imported are notified by their own names, and have what stands with
// the import.
func TestImportedHandlers(t *testing.T) {
	p := play(t, map[string]string{
		"site.yml": `
- hosts: all
  gather_facts: false
  roles: [r]
  tasks: [{ name: task, say: {}, notify: [two, three, topic] }]
  handlers:
    - { name: one, say: {} }
    - { import_tasks: two.yml, vars: { x: imported } }
    - { import_tasks: three.yml, when: false }
`,
		"two.yml":                   "- { name: two, debug: { msg: \"{{ x }}\" } }\n- { name: hears, say: {}, listen: topic }\n",
		"three.yml":                 "- { name: three, say: {} }\n",
		"roles/r/tasks/main.yml":    "- { name: task, say: {}, notify: h }\n",
		"roles/r/handlers/main.yml": "- import_tasks: more.yml\n",
		"roles/r/handlers/more.yml": "- { name: h, say: {} }\n",
	}, "a\n", nil)
	p.says("PLAY all", "a r : task: changed", "a task: changed", "a r : h: changed", "a two: ok imported", "a hears: changed", "a three: skipped")
}

// Tags leave out a flush_handlers as any other task.
func TestFlushHandlersHasTags(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - { name: one, say: {}, notify: h, tags: x }
    - meta: flush_handlers
    - { name: two, say: {}, tags: x }
  handlers: [{ name: h, say: {} }]
`}, "a\n", func(p *playing) { p.run.Options.Tags = []string{"x"} })
	p.says("PLAY all", "a one: changed", "a two: changed", "a h: changed")
}
