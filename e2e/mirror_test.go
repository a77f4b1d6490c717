package e2e

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"eucactl/e2e/lab"
	"eucactl/facts"
	"eucactl/remote"
	"eucactl/sim"
	"eucactl/sim/host"
)

// TestMirror proves that the model of a host (sim/host) is not a fantasy. A seeded history of a cloud is played by the
// real controller on model hosts, and every program that a model is sent is then sent, byte for byte and with the same
// uploads, to /bin/sh on a real host of the lab: with the real iptables, ipset, dhcpd, libvirt and QEMU. Line for line
// both must report the same outcomes, and when everything has settled (in use, and emptied) both must be the same:
// chains, hooks and sets, addresses and sysctls, leases and the daemon that serves them, domains and how often they
// were started, tracked flows, files with their modes and owners. What befalls a model befalls the real host as well:
// silence, reboots, wrecks, guests that end, tools that do not work, answers that are lost, programs that come late. Only
// deaths between two commands are left to the tests of the kinds, which die in front of each.
//
// Two histories, of dice; with EUCACTL_SOAK 200.
func TestMirror(t *testing.T) {
	t.Parallel()
	sweep(t)
	random := dice(t)
	n := 2
	if soak() {
		n = 200
	}
	m := newMirror(t)
	text, err := os.ReadFile(m.lab.Inventory())
	if err != nil {
		t.Fatal(err)
	}
	st, err := sim.OpenOn(string(text))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i := range n {
		seed := random.Uint64N(1 << 32)
		if text := os.Getenv("EUCACTL_HISTORY"); text != "" {
			if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		if i > 0 {
			m.wipe()
		}
		begin, programs, befell := time.Now(), m.programs, m.befell
		log, err := st.PlayMirrored(seed, sim.Mirrored(seed), m.hooks())
		if err = errors.Join(m.differs, err); err != nil {
			t.Fatalf("to repeat: EUCACTL_HISTORY=%d\n  %s\n%v", seed, strings.Join(log, "\n  "), err)
		}
		if m.programs == programs || m.rests != 2*(i+1) {
			t.Fatalf("history %d: nothing was mirrored", seed)
		}
		t.Logf("history %d: %d lines, %d programs, %d mishaps, %s", seed, len(log), m.programs-programs, m.befell-befell, time.Since(begin).Round(time.Second/10))
	}
}

// mirror are the real hosts that follow the models.
type mirror struct {
	t        *testing.T
	lab      *lab.Lab
	born     map[string][]string // addresses after a boot
	programs int
	rests    int                      // how often all hosts were compared: twice a history
	waiting  map[string][]*teeSession // programs that lie in wait, by host
	befell   int                      // how often something was done to a host that was no whole program's doing
	differs  error                    // the first difference between two replies; from then on nothing is mirrored
}

func newMirror(t *testing.T) *mirror {
	t.Helper()
	name := "story" + strconv.Itoa(os.Getpid()) + "-mirror"
	t.Cleanup(func() {
		if err := lab.Down(name, ""); err != nil {
			t.Error(err)
		}
	})
	l, err := lab.Up(lab.Options{Name: name, Nodes: 2})
	if err != nil {
		t.Fatal(err)
	}
	m := &mirror{t: t, lab: l, born: map[string][]string{}, waiting: map[string][]*teeSession{}}
	for _, name := range m.hosts() {
		m.born[name] = strings.Fields(m.on(name, addresses))
	}
	return m
}

const addresses = `ip -4 -o addr show | awk '{ print $2 "=" $4 }'`

func (m *mirror) hosts() (names []string) {
	for _, h := range m.lab.Hosts() {
		if h.Role != lab.Client {
			names = append(names, h.Name)
		}
	}
	return names
}

// wipe gives every host a fresh disk.
func (m *mirror) wipe() {
	m.t.Helper()
	for _, name := range m.hosts() {
		err := m.lab.Kill(name)
		if err == nil {
			err = os.RemoveAll(filepath.Dir(m.lab.Upper(name)))
		}
		if err == nil {
			err = m.lab.Boot(name)
		}
		if err != nil {
			m.t.Fatal(err)
		}
	}
}

// on runs a script on a real host, which must succeed.
func (m *mirror) on(name, script string, args ...string) string {
	m.t.Helper()
	cmd := m.lab.Command(name, append([]string{"/bin/sh", "-c", script, "sh"}, args...)...)
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		m.t.Fatalf("on %s: %v: %s\n%s", name, err, words.String(), script)
	}
	return string(out)
}

func (m *mirror) hooks() *sim.Mirror {
	return &sim.Mirror{
		Facts: func(name string) string {
			return strings.TrimRight(m.on(name, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"+facts.HostScript), "\n")
		},
		Tee: func(name string, c remote.Conn, f host.Faults) remote.Conn {
			return &teeConn{Conn: c, mirror: m, host: name, faults: f, puts: map[string][]byte{}}
		},
		Rebooted: func(name string) {
			if m.differs == nil {
				m.differs = m.lab.Reboot(name)
			}
		},
		Befell: func(name, script string) {
			if m.differs == nil {
				m.befell++
				m.on(name, script)
			}
		},
		Delivered: m.delivered,
		AtRest: func(_ string, models map[string]*host.Machine) error {
			if m.differs != nil {
				return m.differs
			}
			m.rests++
			var errs []error
			for name, model := range models {
				errs = append(errs, m.compare(name, model))
			}
			return errors.Join(errs...)
		},
	}
}

// teeConn notes what the controller puts on a model.
type teeConn struct {
	remote.Conn
	mirror *mirror
	host   string
	faults host.Faults
	puts   map[string][]byte
}

func (c *teeConn) Run(ctx context.Context) (remote.Session, error) {
	s, err := c.Conn.Run(ctx)
	if err != nil {
		return nil, err
	}
	return &teeSession{Session: s, conn: c}, nil
}

func (c *teeConn) Login() string { return "root" }

func (c *teeConn) Put(ctx context.Context, f remote.File) error {
	content := make([]byte, f.Size)
	if n, err := f.Content.ReadAt(content, 0); int64(n) < f.Size {
		return err
	}
	c.puts[f.Path] = content
	return c.Conn.Put(ctx, f)
}

// teeSession notes what the controller says to a model, and what it hears.
type teeSession struct {
	remote.Session
	conn   *teeConn
	closed bool

	mu    sync.Mutex
	said  []string // programs and answers, one a write
	heard bytes.Buffer
	lost  bool // the connection was, before the end
}

// deadTool puts a tool that does not work in front of the one that does, or takes it away; mendTool undoes it.
const (
	deadTool = `if [ "$1" = "$2" ]; then path=$(command -v "$1") && mv "$path" "$path.away"; exit; fi
	printf '#!/bin/sh\nexit 1\n' >"/usr/local/sbin/$1" && chmod 755 "/usr/local/sbin/$1"`
	mendTool = `rm -f "/usr/local/sbin/$1"; for dir in /usr/sbin /usr/bin; do
		[ ! -h "$dir/$1.away" ] && [ ! -e "$dir/$1.away" ] || mv "$dir/$1.away" "$dir/$1"
	done`
)

func (s *teeSession) Write(b []byte) (int, error) { return s.WriteString(string(b)) }

func (s *teeSession) WriteString(text string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := io.WriteString(s.Session, text)
	if err == nil {
		s.said = append(s.said, text)
	}
	return n, err
}

func (s *teeSession) Read(b []byte) (int, error) {
	n, err := s.Session.Read(b)
	s.heard.Write(b[:n])
	var lost *remote.LostError
	s.lost = s.lost || errors.As(err, &lost)
	return n, err
}

// Close lets the model end, and then the real host do the same.
func (s *teeSession) Close() error {
	err := s.Session.Close()
	if s.closed {
		return err
	}
	s.closed = true
	_, _ = io.Copy(io.Discard, s) // what nobody waited for; it ends as the session did
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.conn.mirror; len(s.said) > 0 && s.conn.faults.Late {
		m.waiting[s.conn.host] = append(m.waiting[s.conn.host], s)
	} else if len(s.said) > 0 && m.differs == nil {
		m.programs++
		m.differs = m.repeat(s)
	}
	return err
}

// delivered: what lay in wait runs on the real host too, and nobody hears of it.
func (m *mirror) delivered(name string) {
	for _, s := range m.waiting[name] {
		if m.differs == nil {
			m.programs++
			m.befell++
			s.conn.faults.Late = false
			m.differs = m.repeat(s)
		}
	}
	delete(m.waiting, name)
}

// repeat says the same to the real host, and compares its lines with the model's: with
// all of them, or where the connection was lost, with those that came through.
func (m *mirror) repeat(s *teeSession) error {
	name, said, heard := s.conn.host, s.said, s.heard.String()
	if tools := strings.Join(s.conn.faults.Dead, " "); tools != "" {
		m.befell++
		m.on(name, deadTool, tools, host.Missing)
		defer m.on(name, mendTool, tools)
	}
	reply, err := m.say(name, said, s.conn.puts)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var marks []string
	for _, text := range said {
		if mark := markOf(text); mark != "" {
			marks = append(marks, mark)
		}
	}
	model, real := ours(heard, marks), ours(reply, marks)
	if s.lost {
		m.befell++
		real = real[:min(len(real), len(model))]
	}
	for i := range max(len(model), len(real)) {
		if i < len(model) && i < len(real) && model[i] == real[i] {
			continue
		}
		return fmt.Errorf("%s: the replies differ at line %d%s\nmodel:\n%s\nreal:\n%s", name, i, taskOf(said, model[:min(i+1, len(model))]), heard, reply)
	}
	return nil
}

var markLine = regexp.MustCompile(`(?m)^MARK='?(@[0-9a-f]+)'?$`)

// markOf is the mark of a program, "" for an answer.
func markOf(text string) string {
	if found := markLine.FindStringSubmatch(text); found != nil && strings.HasPrefix(text, "eucactl() {\n") {
		return found[1]
	}
	return ""
}

// ours are the lines of a reply that begin with one of the marks, without it.
func ours(reply string, marks []string) (lines []string) {
	for line := range strings.Lines(reply) {
		mark, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if slices.Contains(marks, mark) {
			lines = append(lines, rest)
		}
	}
	return lines
}

// taskOf is the statement of the task that a reply's last lines speak of.
func taskOf(said, lines []string) string {
	for _, line := range slices.Backward(lines) {
		word, rest, _ := strings.Cut(line, " ")
		n, _, _ := strings.Cut(rest, " ")
		if word != "begin" && word != "end" && word != "skip" {
			continue
		}
		for _, text := range slices.Backward(said) {
			if _, after, ok := strings.Cut(text, "\ntask "+n+" "); ok {
				after, _, _ = strings.Cut(after, "\n")
				return fmt.Sprintf(", task %s %.200s", n, after)
			}
		}
	}
	return ""
}

// dialogue is a shell on a real host, which is told what the controller told the model.
type dialogue struct {
	mirror *mirror
	host   string
	mark   string
	said   []string // what is still to be said
	puts   map[string][]byte
	in     io.WriteCloser
}

// say holds the dialogue until the program, or what was said, is at its end.
func (m *mirror) say(name string, said []string, puts map[string][]byte) (reply string, err error) {
	cmd := m.lab.Command(name, "/bin/sh", "-s")
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	limit := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer limit.Stop()
	d := dialogue{mirror: m, host: name, said: said, puts: puts, in: in}
	d.send()
	var heard strings.Builder
	over := false
	for lines := bufio.NewReader(out); !over && err == nil; {
		var line string
		line, err = lines.ReadString('\n')
		heard.WriteString(line)
		if rest, ours := strings.CutPrefix(strings.TrimSuffix(line, "\n"), d.mark+" "); ours && err == nil {
			over, err = d.hears(rest)
		}
	}
	if err == io.EOF {
		err = nil
	}
	_ = in.Close()
	_ = cmd.Wait() // its exit status says nothing that its lines do not
	return heard.String(), err
}

// send says a program. It is long, so the reply is read meanwhile.
func (d *dialogue) send() {
	text := d.said[0]
	d.mark, d.said = markOf(text), d.said[1:]
	go io.WriteString(d.in, text)
}

// hears answers a line of the program as the controller did, if it did.
func (d *dialogue) hears(line string) (over bool, err error) {
	switch word, sum, _ := strings.Cut(line, " "); word {
	case "done", "busy", "fenced", "stopped":
		return true, nil
	case "stage":
		if len(d.said) == 0 {
			return true, nil
		}
		d.send()
	case "need":
		if len(d.said) == 0 {
			return true, nil
		}
		if path := "/var/lib/eucactl/host/incoming/root/" + sum; strings.HasPrefix(d.said[0], "have ") {
			if err := d.mirror.put(d.host, path, d.puts[path]); err != nil {
				return true, err
			}
		}
		_, _ = io.WriteString(d.in, d.said[0]) // a shell that has gone is noticed by the reader
		d.said = d.said[1:]
	}
	return false, nil
}

func (m *mirror) put(name, path string, content []byte) error {
	cmd := m.lab.Command(name, "/bin/sh", "-c", `umask 077; cat >"$1"`, "sh", path)
	cmd.Stdin = bytes.NewReader(content)
	words, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("put %s: %w: %s", path, err, words)
	}
	return nil
}

// compare tells how a real host differs from its model.
func (m *mirror) compare(name string, model *host.Machine) error {
	want := spelled(model.Ours())
	var settings []string
	for _, line := range want {
		if setting, ok := strings.CutPrefix(line, "sysctl "); ok {
			path, _, _ := strings.Cut(setting, "=")
			settings = append(settings, path)
		}
	}
	got, err := m.look(name, settings)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	got = spelled(got)
	var words strings.Builder
	for _, line := range want {
		if !slices.Contains(got, line) {
			words.WriteString("  model " + line + "\n")
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			words.WriteString("  real  " + line + "\n")
		}
	}
	if words.Len() > 0 {
		return fmt.Errorf("%s is not what its model is:\n%s", name, words.String())
	}
	return nil
}

// lookAtMirror prints in the words of host.Machine.Ours what a real host has come to, but for its files; the arguments are sysctls.
const lookAtMirror = `
iptables-save 2>/dev/null | awk '
	/^\*/ { table = substr($1, 2); on = table == "filter" || table == "nat" }
	on && /^:/ && $2 != "ACCEPT" { print "chain", table, substr($1, 2), $2 }
	on && /^-A / { print "rule", table, $2, ++n[table, $2], $0 }'
ipset save | awk '
	$1 == "create" { kind[$2] = $3; members[$2] = "" }
	$1 == "add" { print "member", $2, $3 }
	END { for (name in kind) print "set", name, kind[name] }'
` + addresses + ` | sed 's/=/ /; s/^/address /'
if [ -d /sys/class/net/br0 ]; then
	case $(cat /sys/class/net/br0/flags) in *[13579bdf]) echo link br0 up=true vlan=0 ;; *) echo link br0 up=false vlan=0 ;; esac
fi
nft list ruleset bridge 2>/dev/null | awk '
	$1 == "table" { name = $3 }
	$1 == "set" { of = $2; text = "" }
	of == "senders" && (/elements/ || text) { text = text $0 }
	of == "senders" && text && /}/ {
		gsub(/.*{|}.*/, "", text)
		n = split(text, all, ",")
		for (i = 1; i <= n; i++) { gsub(/[ \t]+/, " ", all[i]); print "sender", name, all[i] }
		of = ""
	}'
conntrack -L -f ipv4 2>/dev/null | awk '
	{
		split("", is)
		n = 0
		for (i = 1; i <= NF; i++) if (split($i, half, "=") == 2) {
			if (half[1] == "src") n++
			is[n half[1]] = half[2]
		}
		if (is["1dport"] + 0 >= 22 && is["1dport"] + 0 <= 24)
			print "flow", $1, is["1src"] ":" is["1sport"] ">" is["1dst"] ":" is["1dport"], "from", is["2src"] ":" is["2sport"], "to", is["2dst"]
	}'
for pid in $(pgrep -x dhcpd); do
	tr '\0' ' ' <"/proc/$pid/cmdline" | sed 's/^.* -cf \([^ ]*\) .* -pf [^ ]* \(.*\) $/dhcpd \1 \2\n/'
done
for path; do echo "sysctl $path=$(cat "/proc/sys/$path")"; done
[ -S /run/libvirt/libvirt-sock ] || exit 0
for name in $(virsh -q list --all --name); do
	xml=$(virsh -q dumpxml "$name")
	state=$(virsh -q domstate --reason "$name")
	persistent=false
	case $(virsh -q dominfo "$name") in *"Persistent:     yes"*) persistent=true ;; esac
	mac=${xml#*"<mac address='"} bridge=${xml#*"<source bridge='"} uuid=$(virsh -q domuuid "$name")
	echo "domain $name $state persistent=$persistent mac=${mac%%"'"*} bridge=${bridge%%"'"*} next=${uuid%%[!0-9a-f-]*} starts=$(grep -c ': starting up' "/var/log/libvirt/qemu/$name.log")"
done
`

// look is what a real host has come to, in the words of its model.
func (m *mirror) look(name string, settings []string) (lines []string, err error) {
	members, senders := map[string][]string{}, map[string][]string{}
	for line := range strings.Lines(m.on(name, lookAtMirror, settings...)) {
		line = strings.TrimSuffix(line, "\n")
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case f[0] == "member":
			members[f[1]] = append(members[f[1]], f[2])
		case f[0] == "sender":
			senders[f[1]] = append(senders[f[1]], strings.Join(f[2:], " "))
		case f[0] == "address" && slices.Contains(m.born[name], f[1]+"="+f[2]):
		default:
			lines = append(lines, line)
		}
	}
	for i, line := range lines {
		if f := strings.Fields(line); f[0] == "set" {
			slices.Sort(members[f[1]])
			lines[i] = line + " " + strings.Join(members[f[1]], " ")
		}
	}
	for table, list := range senders {
		slices.Sort(list)
		lines = append(lines, "antispoof "+table+" "+strings.Join(list, ", "))
	}
	files, err := m.files(name)
	return append(lines, files...), err
}

// files of a real host. The lab makes some folders itself.
func (m *mirror) files(name string) (lines []string, err error) {
	boot := strings.TrimSpace(m.on(name, "cat /proc/sys/kernel/random/boot_id"))
	archive := m.on(name, `cd /; for dir; do [ ! -e ".$dir" ] || set -- "$@" ".$dir"; shift; done; [ $# = 0 ] || tar -cf - "$@"`, host.OursBelow...)
	for r := tar.NewReader(strings.NewReader(archive)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return lines, nil
		} else if err != nil {
			return nil, err
		}
		path := filepath.Clean("/" + h.Name)
		owner := h.Uname + ":" + h.Gname
		switch {
		case host.Passing(path):
		case h.Typeflag == tar.TypeDir:
			lines = append(lines, fmt.Sprintf("folder %s %o %s", path, h.Mode, owner))
		case h.Typeflag == tar.TypeReg:
			data, err := io.ReadAll(r)
			if err != nil {
				return nil, err
			}
			lines = append(lines, fmt.Sprintf("file %s %o %s %s", path, h.Mode, owner, host.Essence(path, string(data), boot)))
		default:
			lines = append(lines, "other "+path)
		}
	}
}

// spelled puts rules into one spelling, whoever spelled them, and leaves out a folder that the lab makes on every host.
func spelled(lines []string) (out []string) {
	for _, line := range lines {
		f := strings.SplitN(line, " ", 5)
		switch {
		case strings.HasPrefix(line, "folder /run/eucalyptus "):
			continue
		case f[0] == "rule":
			line = strings.Join(append(f[:4], ruleParts(f[4])...), " ")
		}
		out = append(out, strings.TrimSpace(line))
	}
	slices.Sort(out)
	return out
}

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\S+`)

// ruleParts are the options of a rule with their values and negations, in an order of their own, without the names of
// modules.
func ruleParts(rule string) (parts []string) {
	part := ""
	for _, word := range append(quoted.FindAllString(rule, -1)[2:], "-") {
		if word == "!" || strings.HasPrefix(word, "-") && part != "!" {
			if part != "" && !strings.HasPrefix(part, "-m ") {
				part = strings.Replace(part, "--tcp-flags FIN,SYN,RST,ACK SYN", "--syn", 1)
				parts = append(parts, strings.TrimSuffix(part, "/32"))
			}
			part = word
			continue
		}
		part += " " + strings.Trim(word, `"`)
	}
	slices.Sort(parts)
	return parts
}
