package tasks

import (
	"fmt"
	"strings"
	"testing"

	"eucactl/facts"
	"eucactl/seed"
)

// A machine is one guest of the tests, with everything that it is made of.
type machine struct {
	kernel  string
	do      string // what the guest does by itself: off, crash, or nothing
	reboots int
	name    string
	home    string
	image   string // its content
}

func testMachine(n node) machine {
	return machine{kernel: n.putGuest(), name: machineName, home: machineHome, image: strings.Repeat("an image\n", 1<<10)}
}

func (m machine) xml() string {
	return fmt.Sprintf(`<domain type='qemu'>
  <name>%[1]s</name>
  <uuid>00000000-0000-4000-8000-0000%[2]s</uuid>
  <metadata><eucactl:instance xmlns:eucactl="urn:eucactl" cloud="%[3]s" name="%[1]s"/></metadata>
  <memory unit='MiB'>96</memory>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>%[4]s</kernel>
    <initrd>/var/lib/eucalyptus/guest.gz</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 guest=%[5]s</cmdline>
  </os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='%[6]s/disk'/>
      <backingStore type='file'>
        <format type='raw'/>
        <source file='/var/lib/eucactl/host/images/%[7]s'/>
        <backingStore/>
      </backingStore>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='%[6]s/seed.img'/>
      <target dev='vdb' bus='virtio'/>
      <readonly/>
    </disk>
    <serial type='pty'><log file='%[6]s/console.log' append='on'/><target port='0'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <memballoon model='none'/>
  </devices>
</domain>
`, m.name, strings.TrimPrefix(m.name, "i-"), testCloud, m.kernel, m.do, m.home, Sum(m.image))
}

// tasks adds what makes the machine: image, machine_dir, disk, seed, domain.
func (m machine) tasks(t testing.TB, p *Program) {
	t.Helper()
	disk, err := seed.Image(seed.Seed{InstanceID: m.name, Hostname: "euca-1", UserData: []byte(strings.Repeat("user data\n", 300))})
	if err != nil {
		t.Fatal(err)
	}
	image := p.Secret(m.image) // an upload, whatever it contains
	call(t, p, "image", "sum", image, "size", len(m.image), "upload", image)
	call(t, p, "machine_dir", "path", m.home, "name", m.name)
	call(t, p, "disk", "path", m.home+"/disk", "image", image, "format", "raw", "size_mib", 4)
	call(t, p, "seed", "path", m.home+"/seed.img", "upload", p.Secret(string(disk)))
	call(t, p, "domain", "name", m.name, "dir", m.home, "reboots", m.reboots, "content", m.xml())
}

func (m machine) program(t testing.TB) *Program {
	p := program(t)
	m.tasks(t, p)
	return p
}

func (m machine) gone(t testing.TB) *Program {
	p := program(t)
	call(t, p, "domain_gone", "name", m.name, "dir", m.home)
	return p
}

const (
	allWould   = "would would would would would"
	allChanged = "changed changed changed changed changed"
	allOK      = "ok ok ok ok ok"
	domainOnly = "ok ok ok ok changed"
	domainBad  = "ok ok ok ok failed"
)

// seen is what facts make of the machine.
func (n node) seen(sh shell) facts.Domain {
	n.t.Helper()
	p := program(n.t)
	p.Sections = append(p.Sections, Section{"domains", facts.DomainsScript})
	a := n.run(sh, p, true).Sections["domains"]
	if a.RC != 0 {
		n.t.Fatalf("%+v", a)
	}
	list, err := facts.ReadDomains(a.Text)
	if err != nil || len(list) != 1 || list[0].Name != machineName || list[0].Cloud != testCloud {
		n.t.Fatalf("%+v %v\n%s", list, err, a.Text)
	}
	return list[0]
}

// pid is the machine's QEMU, as its node sees it.
func (n node) pid() string {
	n.t.Helper()
	return n.sh("cat /run/libvirt/qemu/" + machineName + ".pid")
}

func (n node) guestUp(m machine, times int) {
	n.t.Helper()
	n.await(fmt.Sprintf("[ $(grep -c 'guest is up' %s/console.log) -ge %d ]", m.home, times))
}

func TestMachineLives(t *testing.T) {
	n := openNode(t)
	m := testMachine(n)
	underSome(t, func(t *testing.T, sh shell) {
		n, m := n, m
		n.t = t
		want(t, n.run(sh, m.gone(t), false), "ok")
		n.sh("rm -rf /var/lib/eucactl")
		want(t, n.run(sh, m.program(t), true), allWould)
		if out, err := n.try("ls -d /var/lib/eucactl " + m.home); err == nil {
			t.Fatalf("a check made %s", out)
		}
		want(t, n.run(sh, m.program(t), false), allChanged)
		want(t, n.run(sh, m.program(t), true), allOK)
		want(t, n.run(sh, m.program(t), false), allOK)
		n.guestUp(m, 1)
		log := n.sh("cat " + m.home + "/console.log")
		if !strings.Contains(log, `instance-id: "i-0000000a"`) || strings.Count(log, "user data\r\n") != 300 {
			t.Errorf("the guest did not read its seed:\n%s", log)
		}
		pid := n.pid()
		inode := n.sh("stat -c %i " + m.home + "/disk")

		m.do = "nothing"
		want(t, n.run(sh, m.program(t), true), "ok ok ok ok would")
		r := n.run(sh, m.program(t), false)
		want(t, r, domainOnly)
		wantWords(t, r, "pending restart")
		want(t, n.run(sh, m.program(t), false), allOK)

		m.reboots = 1
		want(t, n.run(sh, m.program(t), false), domainOnly)
		if d := n.seen(sh); !d.PendingRestart || d.Reboots != 1 || d.State != "running" {
			t.Errorf("%+v", d)
		}
		n.guestUp(m, 2)
		want(t, n.run(sh, m.program(t), false), allOK)

		n.sh("rm " + m.home + "/started") // as if killed after the start
		want(t, n.run(sh, m.program(t), false), domainOnly)
		n.sh("virsh -q suspend " + m.name)
		want(t, n.run(sh, m.program(t), false), allOK)
		if got := n.pid(); got != pid {
			t.Errorf("the machine was stopped: QEMU was %s, is %s", pid, got)
		}

		n.sh("kill -9 " + pid)
		n.await("virsh -q domstate " + m.name + " | grep -q 'shut off'")
		want(t, n.run(sh, m.program(t), false), domainOnly)
		n.sh("virsh -q destroy " + m.name)
		want(t, n.run(sh, m.program(t), false), domainOnly)
		if xml := n.sh("virsh dumpxml " + m.name); !strings.Contains(xml, "guest=nothing") {
			t.Error("the new definition is not in force after a start")
		}
		if d := n.seen(sh); d.PendingRestart || d.PoweredOff {
			t.Errorf("%+v", d)
		}
		if got := n.sh("stat -c %i " + m.home + "/disk"); got != inode {
			t.Error("the machine has another disk")
		}
		want(t, n.run(sh, m.gone(t), true), "would")
		want(t, n.run(sh, m.gone(t), false), "changed")
		if out := n.sh("virsh -q list --all; ls /var/lib/eucalyptus/instances/admin"); out != "" {
			t.Errorf("left: %s", out)
		}
	})
}

func TestGuestSwitchesItselfOff(t *testing.T) {
	n := openNode(t)
	m := testMachine(n)
	m.do = "off"
	underSome(t, func(t *testing.T, sh shell) {
		n, m := n, m
		n.t = t
		n.sh("rm -rf /var/lib/eucactl")
		want(t, n.run(sh, m.program(t), false), allChanged)
		n.await("virsh -q domstate " + m.name + " | grep -q 'shut off'")
		want(t, n.run(sh, m.program(t), false), allOK)
		if d := n.seen(sh); !d.PoweredOff || d.Reason != "shutdown" {
			t.Errorf("%+v", d)
		}
		m.reboots = 3
		want(t, n.run(sh, m.program(t), false), allOK)

		// The reason is forgotten, but for the log.
		n.stopLibvirtd()
		n.startLibvirtd()
		if s := n.sh("virsh -q domstate --reason " + m.name); s != "shut off (unknown)" {
			t.Errorf("after a restart libvirtd says %s: the log is not tried", s)
		}
		want(t, n.run(sh, m.program(t), false), allOK)
		if d := n.seen(sh); !d.PoweredOff {
			t.Errorf("%+v", d)
		}

		// Another definition is written for whenever it starts again.
		m.do = "nothing"
		r := n.run(sh, m.program(t), false)
		want(t, r, domainOnly)
		wantWords(t, r, "stays off")
		want(t, n.run(sh, m.program(t), false), allOK)

		if err := n.lab.Reboot(labHost); err != nil {
			t.Fatal(err)
		}
		n.startLibvirtd()
		if d := n.seen(sh); d.PoweredOff {
			t.Errorf("it was switched off in another boot: %+v", d)
		}
		want(t, n.run(sh, m.program(t), false), domainOnly)
		n.guestUp(m, 2)
		want(t, n.run(sh, m.program(t), false), allOK)

		if err := n.lab.Reboot(labHost); err != nil { // while it runs
			t.Fatal(err)
		}
		n.startLibvirtd()
		want(t, n.run(sh, m.program(t), false), domainOnly)
		want(t, n.run(sh, m.program(t), false), allOK)
		want(t, n.run(sh, m.gone(t), false), "changed")
	})
}

func TestLibvirtCannotTell(t *testing.T) {
	n := openNode(t)
	m := testMachine(n)
	want(t, n.run(shells[0], m.program(t), false), allChanged)
	pid := n.pid()
	underEach(t, func(t *testing.T, sh shell) {
		n := n
		n.t = t
		fails := func(part string) {
			t.Helper()
			for _, check := range []bool{true, false} {
				r := n.run(sh, m.program(t), check)
				want(t, r, domainBad)
				wantWords(t, r, part)
				r = n.run(sh, m.gone(t), check)
				want(t, r, "failed")
				wantWords(t, r, part)
			}
		}
		n.stopLibvirtd()
		fails("libvirt does not answer (virsh: 1): error: failed to connect")
		n.startLibvirtd()
		n.sh("mv /usr/bin/virsh /usr/bin/virsh.away")
		fails("libvirt does not answer (virsh: 127): timeout: ")
		n.sh("mv /usr/bin/virsh.away /usr/bin/virsh")
		n.sh("mv /usr/bin/qemu-img /usr/bin/qemu-img.away")
		r := n.run(sh, m.program(t), false)
		want(t, r, "ok ok failed ok ok")
		wantWords(t, r, "qemu-img")
		n.sh("mv /usr/bin/qemu-img.away /usr/bin/qemu-img")
		want(t, n.run(sh, m.program(t), false), allOK)
		if got := n.pid(); got != pid {
			t.Errorf("QEMU was %s, is %s", pid, got)
		}
	})
}

func TestForeignDomain(t *testing.T) {
	n := openNode(t)
	m := testMachine(n)
	for name, from := range map[string]string{"none": "<metadata>.*</metadata>", "other": `cloud="` + testCloud + `"`} {
		xml := m.xml()
		to := map[string]string{"none": "", "other": `cloud="0badc10d"`}[name]
		n.sh("sed 's|"+from+"|"+to+"|; /<disk/,/<.disk>/d; s|<log file=[^>]*>||' >/root/foreign.xml", []byte(xml)...)
		n.sh("virsh -q define /root/foreign.xml")
		before := n.sh("virsh dumpxml " + m.name)
		underEach(t, func(t *testing.T, sh shell) {
			n := n
			n.t = t
			for _, check := range []bool{true, false} {
				r := n.run(sh, m.program(t), check)
				want(t, r, strings.Replace(allOK, "ok ok ok ok ok", map[bool]string{
					true: "would would would would failed", false: "changed changed changed changed failed",
				}[check], 1))
				wantWords(t, r, "it is left alone")
				r = n.run(sh, m.gone(t), check)
				want(t, r, "failed")
				wantWords(t, r, "it is left alone")
			}
			n.sh("rm -rf /var/lib/eucactl " + m.home)
			if after := n.sh("virsh dumpxml " + m.name); after != before {
				t.Error("the foreign domain was changed")
			}
		})
		n.sh("virsh -q undefine " + m.name)
	}
}
