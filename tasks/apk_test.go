package tasks

import (
	"strings"
	"testing"
)

// apkShim is an apk with a state: what is to be had is in /apk/have, a name and a
// version a line, what is installed in /apk/is. Debian has no apk.
const apkShim = `mkdir -p /apk; printf 'a 1.0\na 2.0\nb 1.0\n' >/apk/have; : >/apk/is
cat >/usr/bin/apk <<'E'
#!/bin/dash
try=
while :; do
	case $1 in --no-cache) shift ;; -s) try=yes; shift ;; --repository | --repositories-file) shift 2 ;; *) break ;; esac
done
echo "$*" >>/apk/log
verb=$1; shift
[ "$1" != -s ] || { try=yes; shift; }
newest() { grep "^$1 " /apk/have | tail -n 1; }
put() { [ -n "$try" ] || { grep -v "^$1 " /apk/is >/apk/new; echo "$2" >>/apk/new; sort -o /apk/is /apk/new; }; }
case $verb in
update) echo updated >>/apk/updates ;;
info) shift; case $1 in *=*) grep -qx "${1%%=*} ${1#*=}" /apk/is ;; *) grep -q "^$1 " /apk/is ;; esac ;;
version) shift 3; [ "$(newest "$1")" = "$(grep "^$1 " /apk/is)" ] || echo "$1-1.0 < 2.0" ;;
add)
	up=; [ "$1" != -u ] || { up=yes; shift; }
	for n; do
		case $n in *=*) line="${n%%=*} ${n#*=}"; n=${n%%=*} ;; *) line=$(newest "$n") ;; esac
		grep -qx "$line" /apk/have || { echo "ERROR: unable to select packages: $n (no such package)"; exit 1; }
		if [ -z "$up" ] && grep -q "^$n " /apk/is && [ "$line" = "$(newest "$n")" ]; then continue; fi
		echo "(1/1) Installing $line"; put "$n" "$line"
	done
	;;
del) for n; do echo "(1/1) Purging $n"; [ -n "$try" ] || sed -i "/^$n /d" /apk/is; done ;;
upgrade)
	while read -r n v; do
		line=$(newest "$n")
		[ "$n $v" = "$line" ] || { echo "(1/1) Upgrading $n ($v -> ${line#* })"; put "$n" "$line"; }
	done <<-L
		$(cat /apk/is)
	L
	;;
*) exit 1 ;;
esac
E
chmod +x /usr/bin/apk
`

func TestApk(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.do(apkShim)
		apk := func(named ...any) kindCall { return append(kindCall{"apk"}, named...) }
		is := func(want string) {
			t.Helper()
			if got := strings.Join(strings.Fields(h.do(`cat /apk/is`)), " "); got != want {
				t.Errorf("installed: %q, want %q", got, want)
			}
		}
		for _, step := range []struct {
			call        kindCall
			check, then Outcome
			installed   string
		}{
			{apk("name", "a=1.0"), Would, Changed, "a 1.0"},
			{apk("name", "a=1.0"), OK, OK, "a 1.0"},
			{apk("name", "a"), OK, OK, "a 1.0"},
			{apk("name", []any{"a", "b"}), Would, Changed, "a 1.0 b 1.0"},
			{apk("name", []any{"a", "b"}, "state", "latest"), Would, Changed, "a 2.0 b 1.0"},
			{apk("name", []any{"a", "b"}, "state", "latest"), OK, OK, "a 2.0 b 1.0"},
			{apk("name", "b", "state", "absent"), Would, Changed, "a 2.0"},
			{apk("name", "b", "state", "absent"), OK, OK, "a 2.0"},
			{apk("name", "none"), Failed, Failed, "a 2.0"},
			{apk("name", "a=1.0", "no_cache", true), Would, Changed, "a 1.0"},
			{apk("upgrade", true), Would, Changed, "a 2.0"},
			{apk("upgrade", true), OK, OK, "a 2.0"},
			{apk("update_cache", true), Would, Changed, "a 2.0"},
			{apk("name", "a", "update_cache", true), OK, OK, "a 2.0"},
			{apk("name", "b", "repository", "/srv/x"), Would, Changed, "a 2.0 b 1.0"},
			{apk("name", "-x"), Failed, Failed, "a 2.0 b 1.0"},
			{apk(), Failed, Failed, "a 2.0 b 1.0"},
		} {
			before := h.do(`cat /apk/is`)
			h.wants(step.call, kindCheck, step.check)
			if after := h.do(`cat /apk/is`); after != before {
				t.Errorf("%v: a check changed the host: %s", step.call, after)
			}
			h.wants(step.call, kindApply, step.then)
			is(step.installed)
		}
	})
}
