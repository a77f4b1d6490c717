package tasks

import (
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	fi, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return fi.Mode()
}

func TestDirAndRendered(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e, dir := hostEnv(t), t.TempDir()
		build := func(content string) *Program {
			p := program(t)
			call(t, p, "dir", "path", dir+"/a b/c", "mode", 0o750)
			call(t, p, "rendered", "path", dir+"/a b/c/f", "content", content, "mode", "0640")
			return p
		}
		check := e
		check.Check = true
		want(t, run(t, sh, build("one\n"), check), "would would")
		want(t, run(t, sh, build("one\n"), e), "changed changed")
		want(t, run(t, sh, build("one\n"), e), "ok ok")
		want(t, run(t, sh, build("two it's"), check), "ok would")
		want(t, run(t, sh, build("two it's"), e), "ok changed")
		want(t, run(t, sh, build(""), e), "ok changed")
		want(t, run(t, sh, build("two it's"), e), "ok changed")
		if got := readFile(t, dir+"/a b/c/f"); got != "two it's" {
			t.Errorf("%q", got)
		}
		if m := mode(t, dir+"/a b"); m.Perm() != 0o755 {
			t.Errorf("a parent got %v", m)
		}
		if m := mode(t, dir+"/a b/c"); m.Perm() != 0o750 {
			t.Errorf("the folder got %v", m)
		}
		if m := mode(t, dir+"/a b/c/f"); m != 0o640 {
			t.Errorf("the file got %v", m)
		}
		if left, err := os.ReadDir(dir + "/a b/c"); err != nil || len(left) != 1 {
			t.Errorf("left behind: %v %v", left, err)
		}
	})
}

func TestDir(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e, dir := hostEnv(t), t.TempDir()
		one := func(named ...any) Report {
			p := program(t)
			call(t, p, "dir", named...)
			return run(t, sh, p, e)
		}
		want(t, one("path", dir+"/d", "owner", "1:2"), "changed")
		want(t, one("path", dir+"/d", "owner", "1:2"), "ok")
		want(t, one("path", dir+"/d", "owner", "daemon:bin"), "ok")
		fi, err := os.Stat(dir + "/d")
		if err != nil {
			t.Fatal(err)
		}
		if st := fi.Sys().(*syscall.Stat_t); st.Uid != 1 || st.Gid != 2 {
			t.Errorf("owner %d:%d", st.Uid, st.Gid)
		}
		want(t, one("path", dir+"/d", "mode", "2770"), "changed")
		want(t, one("path", dir+"/d", "mode", "0755"), "changed")
		want(t, one("path", dir+"/d", "mode", "0"), "changed")
		want(t, one("path", dir+"/d", "mode", "0000"), "ok")
		want(t, one("path", dir+"/d/s", "owner", "nobody-there"), "failed")
		writeFile(t, dir+"/f", "a file")
		want(t, one("path", dir+"/f"), "failed")
		want(t, one("path", dir+"/f/g"), "failed")
		if readFile(t, dir+"/f") != "a file" {
			t.Error("the file was touched")
		}
		if err := os.Mkdir(dir+"/target", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(dir+"/target", dir+"/link"); err != nil {
			t.Fatal(err)
		}
		want(t, one("path", dir+"/link"), "ok")
	})
}

func TestRendered(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e, dir := hostEnv(t), t.TempDir()
		one := func(named ...any) Report {
			p := program(t)
			call(t, p, "rendered", named...)
			return run(t, sh, p, e)
		}
		// A link is replaced, what it leads to stays.
		writeFile(t, dir+"/shadow", "precious")
		for _, target := range []string{dir + "/shadow", dir, dir + "/nowhere"} {
			if err := os.Symlink(target, dir+"/f"); err != nil {
				t.Fatal(err)
			}
			want(t, one("path", dir+"/f", "content", "precious"), "changed")
			if !mode(t, dir+"/f").IsRegular() || readFile(t, dir+"/f") != "precious" {
				t.Errorf("link to %s: %v", target, mode(t, dir+"/f"))
			}
			if err := os.Remove(dir + "/f"); err != nil {
				t.Fatal(err)
			}
		}
		if readFile(t, dir+"/shadow") != "precious" || exists(dir+"/.f.eucactl-new") {
			t.Error("what the link leads to was touched")
		}
		// A directory or a pipe in its place is an error, not an order.
		if err := os.Mkdir(dir+"/d", 0o755); err != nil {
			t.Fatal(err)
		}
		want(t, one("path", dir+"/d", "content", "x"), "failed")
		if left, err := os.ReadDir(dir + "/d"); err != nil || len(left) != 0 {
			t.Errorf("%v %v", left, err)
		}
		want(t, one("path", dir+"/none/f", "content", "x"), "failed")
		// What a killed run, or somebody else, put beside it is not followed.
		if err := os.Symlink(dir+"/shadow", dir+"/.g.eucactl-new"); err != nil {
			t.Fatal(err)
		}
		want(t, one("path", dir+"/g", "content", "new", "owner", "1:1"), "changed")
		want(t, one("path", dir+"/g", "content", "new", "owner", "1:1"), "ok")
		want(t, one("path", dir+"/g", "content", "new", "owner", "1:1", "mode", "0600"), "changed")
		want(t, one("path", dir+"/g", "content", "new"), "changed")
		if readFile(t, dir+"/shadow") != "precious" {
			t.Error("a prepared link was followed")
		}
	})
}

// A full disk leaves the old file.
func TestRenderedThatDoesNotFit(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e := hostEnv(t)
		p := program(t)
		call(t, p, "rendered", "path", "/mnt/f", "content", strings.Repeat("big", 10000))
		text, err := p.Text(e)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("unshare", "-m", "/bin/dash", "-c",
			`mount -t tmpfs -o size=16k none /mnt && echo old >/mnt/f && "$@"; cat /mnt/f >&2; ls -A /mnt >&2`, "sh", sh.path)
		if sh.name == "busybox" {
			cmd.Args = append(cmd.Args, "sh")
		}
		var after strings.Builder
		cmd.Args = append(cmd.Args, "-s")
		cmd.Stdin = strings.NewReader(text)
		cmd.Stderr = &after
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		r, err := Read(strings.NewReader(string(out)), p, testMark, Hooks{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		want(t, r, "failed")
		if after.String() != "old\nf\n" {
			t.Errorf("afterwards: %q", after.String())
		}
	})
}

func TestAbsent(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e, dir := hostEnv(t), t.TempDir()
		one := func(name string) Report {
			p := program(t)
			call(t, p, "absent", "path", dir+"/"+name)
			return run(t, sh, p, e)
		}
		mark := "# eucactl " + e.Cloud + " dhcpd\n"
		writeFile(t, dir+"/ours", "#!/bin/sh\n\n\n\n"+mark+"x\n")
		writeFile(t, dir+"/late", "\n\n\n\n\n"+mark)
		writeFile(t, dir+"/theirs", "# eucactl deadbeef\n")
		writeFile(t, dir+"/binary", "\x00\xff"+mark)
		writeFile(t, dir+"/empty", "")
		for from, to := range map[string]string{"ours": "link", "nowhere": "dangling"} {
			if err := os.Symlink(dir+"/"+from, dir+"/"+to); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct{ name, want string }{
			{"none", "ok"}, {"late", "failed"}, {"theirs", "failed"}, {"empty", "failed"},
			{"link", "failed"}, {"dangling", "failed"}, {".", "failed"},
			{"binary", "changed"}, {"ours", "changed"}, {"ours", "ok"},
		} {
			was := exists(dir + "/" + c.name)
			r := one(c.name)
			want(t, r, c.want)
			if now := exists(dir + "/" + c.name); c.want == "failed" && now != was || c.want != "failed" && now {
				t.Errorf("%s: there %v, before %v", c.name, now, was)
			}
			if c.want == "failed" && !strings.Contains(r.Results[0].Words, dir) {
				t.Errorf("%s: words %q", c.name, r.Results[0].Words)
			}
		}
		writeFile(t, dir+"/nobodys", "eucactl \n")
		e.Cloud = ""
		want(t, one("nobodys"), "failed")
	})
}

// TestSimpleKinds tries on a lab host what the other tests of this file look at more closely.
func TestSimpleKinds(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.try(kindTry{
			kindCall: kindCall{"dir", "path", "/srv/a/b", "mode", "0750", "owner", "daemon:bin"},
			bare:     `rm -rf /srv/a`,
			states: []kindState{
				{"wrong", `mkdir -p -m 755 /srv/a/b`},
				{"absent", ``},
			},
			proof: `find /srv -printf '%p %m %u %g\n'`,
			tools: []string{"/usr/bin/stat"},
		})
		h.try(kindTry{
			kindCall: kindCall{"rendered", "path", "/srv/f", "content", "one\ntwo", "mode", "0640"},
			bare:     `rm -rf /srv/f /srv/.f*; echo shadow >/srv/shadow`,
			states: []kindState{
				{"wrong content", `echo one >/srv/f; chmod 640 /srv/f`},
				{"wrong mode", `printf 'one\ntwo' >/srv/f; chmod 600 /srv/f`},
				{"a link", `ln -s shadow /srv/f`},
				{"absent", ``},
			},
			proof: `find /srv -printf '%p %y %m %u %g\n' | sort; cat /srv/f /srv/shadow || :`,
			tools: []string{"/usr/bin/stat", "/usr/bin/sha256sum"},
		})
		h.try(kindTry{
			kindCall: kindCall{"absent", "path", "/srv/gone"},
			bare:     `rm -rf /srv/gone`,
			states:   []kindState{{"present", `echo "# eucactl ` + kindApply.Cloud + `" >/srv/gone`}},
			proof:    `ls -a /srv`,
			tools:    []string{"/usr/bin/head", "/usr/bin/tr"},
		})
		h.try(kindTry{
			kindCall: kindCall{"kernel_setting", "name", "net.ipv4.ip_forward", "value", 1},
			bare:     `echo 0 >/proc/sys/net/ipv4/ip_forward`,
			states:   []kindState{{"wrong", ``}},
			proof:    `cat /proc/sys/net/ipv4/ip_forward`,
			tools:    []string{"/usr/bin/cat"},
		})
	})
}

// In a network namespace of its own, the kernel's settings are ours to change.
func TestSysctl(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e := hostEnv(t)
		p := program(t)
		for _, s := range [][4]string{
			{"net.ipv4.ip_forward", "1"},
			{"net.ipv4.ip_forward", "1"},
			{"net/ipv4/ip_forward", "0"},
			{"net.ipv4.conf.v0/10.send_redirects", "0"},
			{"net/ipv4/conf/v0.10/send_redirects", "0"},
			{"net.ipv4.ip_local_port_range", "20000  30000"},
			{"net.ipv4.ip_local_port_range", "20000 30000"},
			{"net.ipv4.ip_local_port_range", "20000 30001"},
			{"net.ipv4.no_such_thing", "1"},
			{"net.ipv4.ip_forward", "*"},
			{"net.ipv4", "1"},
			{"net.ipv4.conf.lo.route_localnet", "1", "lo"},
			{"net.ipv4.conf.v9.route_localnet", "0", "v9", "fine"},
			{"net.ipv4.conf.v9.route_localnet", "0", "v9", "wrong"},
			{"net.ipv4.conf.v9.route_localnet", "0"},
		} {
			call(t, p, "kernel_setting", "name", s[0], "value", s[1], "dev", s[2], "missing", s[3])
		}
		text, err := p.Text(e)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("unshare", "-n", "/bin/dash", "-c",
			`ip link add v0.10 type veth peer name v1 && echo 0 >/proc/sys/net/ipv4/ip_forward; "$@"; cat /proc/sys/net/ipv4/ip_local_port_range >&2`, "sh", sh.path)
		if sh.name == "busybox" {
			cmd.Args = append(cmd.Args, "sh")
		}
		var after strings.Builder
		cmd.Args = append(cmd.Args, "-s")
		cmd.Stdin, cmd.Stderr = strings.NewReader(text), &after
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		r, err := Read(strings.NewReader(string(out)), p, testMark, Hooks{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		want(t, r, "changed ok changed changed ok changed ok changed failed failed failed changed ok failed failed")
		if after.String() != "20000\t30001\n" {
			t.Errorf("%q", after.String())
		}
		if w := r.Results[8].Words; !strings.Contains(w, "no such setting") {
			t.Errorf("words %q", w)
		}
	})
}
