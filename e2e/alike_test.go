package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// volatile is what may differ between two hosts on which the same was done, and why.
var volatile = regexp.MustCompile(`^(` + strings.Join([]string{
	`(tmp|run|var/tmp|proc|sys|dev)(/|$)`, // what goes with a reboot
	`var/log(/|$)`,                        // says when, and by whom
	`etc/ssh/ssh_host|home/ops/`,          // keys of the lab
	`root(/|$)`,                           // Ansible's own ~/.ansible, and a tmpfs in the lab
	`(home/[^/]+|var/www|usr/sbin)/\.(ansible|eucactl)(/|$)`,
	`var/lib/(eucactl|systemd|private)(/|$)`,                 // what each program remembers; systemd's own
	`var/(cache|spool/cron)$`,                                // times of folders
	`var/lib/(dpkg|apt)/.*(-old|lock.*|status-old|periodic)`, // dpkg's backups
	`var/lib/(apt|dpkg)(/updates|/triggers|/lists.*)?$`,
	`etc/(\.pwd\.lock|[a-z]+-|machine-id|mtab)$`, // locks, and the backups of passwd and its likes
	`etc/ld\.so\.cache$`,                         // depends on when it was made
	`.*/__pycache__(/.*)?$`,                      // of Ansible's Python
	`.*/\.git(/|$)`,                              // has inodes and times in it
}, "|") + `)`)

// backup is the end of a backup's name: process and time.
var backup = regexp.MustCompile(`\.\d+\.\d{4}-\d{2}-\d{2}@\d{2}:\d{2}:\d{2}~$`)

// prepare gives the hosts what playbooks take for granted: a repository of packages, a dpkg
// that knows only these, whatever the machine below does, and crontab, which not every
// machine has.
func (s *side) prepare() {
	const script = `set -e; mkdir -p /srv/packages /var/spool/cron/crontabs; cd /srv/packages; rm -rf /etc/apt/sources.list* /var/lib/dpkg/updates
mkdir /var/lib/dpkg/updates; : >/var/lib/dpkg/status; : >/var/lib/apt/extended_states
for name in hello bye; do
	mkdir -p /tmp/p/DEBIAN /tmp/p/usr/share/$name-lab
	printf 'Package: %s-lab\nVersion: 1.0\nArchitecture: all\nMaintainer: lab <lab@example.org>\nDescription: says nothing\n' $name >/tmp/p/DEBIAN/control
	echo $name >/tmp/p/usr/share/$name-lab/$name; find /tmp/p -exec touch -d @1000000000 {} +; chmod -R u=rwX,go=rX /tmp/p
	SOURCE_DATE_EPOCH=1000000000 dpkg-deb --root-owner-group -b /tmp/p $name-lab.deb >/dev/null; rm -r /tmp/p
done
f=hello-lab.deb
{ dpkg-deb -f $f; echo "Filename: ./$f"; echo "Size: $(stat -c %s $f)"; echo "SHA256: $(sha256sum <$f | cut -d' ' -f1)"; } >Packages
[ -e /usr/bin/crontab ] || ln -s busybox /usr/bin/crontab`
	for _, h := range []string{"t1", "t2"} {
		if out, err := s.lab.Command(h, "/bin/sh", "-c", script).CombinedOutput(); err != nil {
			s.t.Fatalf("%s: %v\n%s", h, err, out)
		}
	}
}

// archives makes those that playbooks unpack, beside their files.
func archives(t *testing.T, sides []*side) {
	t.Helper()
	const script = `set -e; mkdir -p "$0/app/data"; cd "$0"; echo one >app/one; echo two >"app/data/a file"; ln -s one app/link; chmod 640 app/one
find app -exec touch -h -d @1500000000 {} +
tar --owner=bin --group=daemon -czf app.tar.gz app; zip -qryX app.zip app`
	dir := t.TempDir()
	command(t, "sh", "-c", script, dir)
	for _, s := range sides {
		for _, name := range []string{"app.tar.gz", "app.zip"} {
			command(t, "cp", filepath.Join(dir, name), filepath.Join(s.dir, "files"))
		}
	}
}

// hosts is what both hosts are: every file that is not the machine's own, accounts,
// services and names.
func (s *side) hosts(t *testing.T) map[string]string {
	t.Helper()
	const running = `getent passwd; getent group; hostname
getent shadow | awk -F: -v OFS=: -v now=$(($(date +%s) / 86400)) '$3 == now || $3 == now - 1 { $3 = "NOW" } { print }'
systemctl is-active sleeper; systemctl is-enabled sleeper; dpkg-query -W -f '${Package} ${Version} ${Status}\n' hello-lab bye-lab; iptables -S; crontab -l -u carla; :`
	all := map[string]string{}
	for _, h := range []string{"t1", "t2"} {
		upper := s.lab.Upper(h)
		if err := filepath.WalkDir(upper, func(path string, d fs.DirEntry, err error) error {
			name, _ := filepath.Rel(upper, path)
			switch {
			case volatile.MatchString(name): // may be gone by now
				return nil
			case err != nil || name == ".":
				return err
			}
			what, err := describe(path, d)
			all[h+":/"+backup.ReplaceAllString(name, ".BACKUP~")] = what
			return err
		}); err != nil {
			t.Fatal(err)
		}
		out, err := s.lab.Command(h, "/bin/sh", "-c", running).Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			all[h+" runs: "+strings.TrimSpace(line)] = "yes"
		}
	}
	return all
}

// differences are the sentences about what is not alike.
func differences(theirs, ours map[string]string) (lines []string) {
	all := maps.Clone(theirs)
	maps.Copy(all, ours)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if diff := cmp.Diff(theirs[name], ours[name]); diff != "" {
			lines = append(lines, fmt.Sprintf("%s is otherwise (-ansible +eucactl):\n%s", name, diff))
		}
	}
	return lines
}

// describe is a file as far as it should be alike.
func describe(path string, d fs.DirEntry) (string, error) {
	info, err := d.Info()
	if err != nil {
		return "", err
	}
	st := info.Sys().(*syscall.Stat_t)
	what := fmt.Sprintf("%s %d:%d", info.Mode(), st.Uid, st.Gid)
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(path)
		return what + " -> " + to, err
	case info.Mode().IsRegular():
		data, err := os.ReadFile(path)
		if len(data) < 500 && bytes.IndexByte(data, 0) < 0 {
			return fmt.Sprintf("%s links %d %q", what, st.Nlink, data), err
		}
		return fmt.Sprintf("%s links %d %x", what, st.Nlink, sha256.Sum256(data)), err
	}
	return what, nil
}
