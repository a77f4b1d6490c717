package tasks

import (
	"strings"
	"testing"
)

// Neither a user nor his groups are lost half-way, nor is his password.
func TestUserSurvivesKills(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.try(kindTry{
			kindCall: kindCall{"user", "name", "ku1", "uid", 5101, "groups", []any{"daemon"}, "password", "$6$abc$def", "update_password", "on_create"},
			bare:     `userdel -rf ku1 2>/dev/null || :; rm -rf /var/lib/eucactl`,
			states:   []kindState{{"absent", ``}},
			proof:    `grep -h ^ku1: /etc/passwd || :; grep ^ku1: /etc/shadow | cut -d: -f2; id ku1 || :; ls -a /home/ku1 || :; ls /var/lib/eucactl/host/users || :`,
		})
	})
}

func TestUserKey(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		key := func(named ...any) kindCall {
			return append(kindCall{"user", "name", "ku1", "generate_ssh_key", true, "ssh_key_type", "ed25519", "ssh_key_comment", "of ku1"}, named...)
		}
		h.wants(key(), kindCheck, Would)
		r := h.one(key(), kindApply)
		if r.Outcome != Changed || !strings.HasSuffix(r.Data["ssh_public_key"], " of ku1") || r.Data["ssh_key_file"] != "/home/ku1/.ssh/id_ed25519" {
			t.Errorf("%+v", r)
		}
		h.wants(key(), kindApply, OK)
		if got := h.do(`stat -c '%a %U %n' /home/ku1/.ssh /home/ku1/.ssh/*`); got != "700 ku1 /home/ku1/.ssh\n600 ku1 /home/ku1/.ssh/id_ed25519\n644 ku1 /home/ku1/.ssh/id_ed25519.pub\n" {
			t.Error(got)
		}
		h.wants(key("force", true, "ssh_key_passphrase", "it's $ecret"), kindApply, Changed)
		if now := h.do(`ssh-keygen -y -P "it's \$ecret" -f /home/ku1/.ssh/id_ed25519; rm -r /home/ku1/.ssh`); now == r.Data["ssh_public_key"]+"\n" {
			t.Error("not a new key")
		}
	})
}

// busyboxUsers are adduser and its like with busybox's options, in front of the usual
// tools: Debian's busybox has none of them.
const busyboxUsers = `cd /usr/sbin; mkdir /gone; mv useradd usermod userdel groupadd groupmod groupdel adduser addgroup deluser delgroup /gone
cd /usr/local/bin
cat >adduser <<'E'
#!/bin/dash
args=-m
while getopts h:g:s:G:SDHu:k: o; do
	case $o in
	h) home=$OPTARG ;; g) gecos=$OPTARG ;; s) sh=$OPTARG ;; G) group=$OPTARG ;; u) uid=$OPTARG ;;
	S) args="$args -r" ;; H) args=-M ;; D) ;; *) exit 1 ;;
	esac
done
shift $((OPTIND - 1))
exec /gone/useradd $args ${home:+-d "$home"} ${gecos:+-c "$gecos"} ${sh:+-s "$sh"} ${group:+-g "$group"} ${uid:+-u "$uid"} "$1"
E
cat >addgroup <<'E'
#!/bin/dash
while getopts g:S o; do
	case $o in g) args="-g $OPTARG" ;; S) args="$args -r" ;; *) exit 1 ;; esac
done
shift $((OPTIND - 1))
[ $# != 2 ] || exec /gone/usermod -aG "$2" "$1"
exec /gone/groupadd $args "$1"
E
cat >deluser <<'E'
#!/bin/dash
case $1 in --remove-home) exec /gone/userdel -r "$2" ;; esac
exec /gone/userdel "$1"
E
printf '#!/bin/dash\nexec /gone/groupdel "$1"\n' >delgroup
chmod +x adduser addgroup deluser delgroup
`

// Where there is no useradd, busybox's tools do.
func TestUserOfBusybox(t *testing.T) {
	h := newKindHost(t, shells[2])
	h.do(busyboxUsers)
	h.wants(kindCall{"group", "name", "kg1", "gid", 5001, "system", true}, kindApply, Changed)
	h.wants(kindCall{"group", "name", "kg1", "gid", 5002}, kindApply, Failed)
	user := kindCall{"user", "name", "ku1", "uid", 5101, "group", "kg1", "groups", "daemon", "comment", "Ku, One", "password", "$6$abc$def"}
	h.wants(user, kindApply, Changed)
	h.wants(user, kindApply, OK)
	if got := h.do(`grep ku1 /etc/passwd /etc/group; grep -c '^ku1:$6$abc$def' /etc/shadow`); !strings.Contains(got, "ku1:x:5101:5001:Ku, One:/home/ku1:") ||
		!strings.Contains(got, "daemon:x:1:ku1\n") || !strings.HasSuffix(got, "\n1\n") {
		t.Error(got)
	}
	h.wants(kindCall{"user", "name", "ku1", "state", "absent", "remove", true}, kindApply, Changed)
	h.wants(kindCall{"user", "name", "ku1", "state", "absent"}, kindApply, OK)
	h.wants(kindCall{"group", "name", "kg1", "state", "absent"}, kindApply, Changed)
	h.do(`! grep 'ku1\|kg1' /etc/passwd /etc/group; ! ls -d /home/ku1 2>/dev/null`)
}
