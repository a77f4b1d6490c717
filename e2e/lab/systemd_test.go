package lab

import "testing"

// The host's systemd obeys systemctl, and goes with the host.
func TestSystemd(t *testing.T) {
	l := up(t, "systemd", Options{Hosts: []string{"a"}, Systemd: true})
	script := `mkdir -p /etc/systemd/system
printf '[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep infinity\n' >/etc/systemd/system/demo.service
systemctl start demo; systemctl is-active demo; cat /proc/1/comm`
	if got := run(t, l, "a", script); got != "active\nsystemd" {
		t.Error(got)
	}
	if err := l.Reboot("a"); err != nil {
		t.Fatal(err)
	}
	if got := run(t, l, "a", "systemctl is-active demo || :"); got != "inactive" {
		t.Error("after a reboot: ", got)
	}
}
