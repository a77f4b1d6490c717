package facts

import (
	"fmt"
	"strings"
)

// Offers is the script that asks for an address on a segment, and gives back what it
// may get at once: busybox's client runs no program of ours and changes no interface.
// It prints "ADDRESS SERVER" of the first answer, or nothing.
func Offers(dev string) string {
	return `
if command -v udhcpc >/dev/null; then
	client=udhcpc
elif busybox udhcpc --help >/dev/null 2>&1 || busybox --list 2>/dev/null | grep -q '^udhcpc$'; then
	client='busybox udhcpc'
else
	echo "there is no udhcpc: apt-get install udhcpc" >&2
	exit 2
fi
true=$(command -v /bin/true || command -v /usr/bin/true) || exit 2
words=$($client -f -n -q -R -t 2 -T 1 -i ` + quote(dev) + ` -s "$true" 2>&1)
line=$(printf '%s\n' "$words" | grep -E 'select for|[Ll]ease of' | tail -n 1)
printf '%s\n' "$line" | sed -n -e 's/.*for \([0-9.]*\)[, ].*server \([0-9.]*\).*/\1 \2/p' \
	-e 's/.*[Ll]ease of \([0-9.]*\) obtained from \([0-9.]*\).*/\1 \2/p' -e 's/.*[Ll]ease of \([0-9.]*\) obtained, .*/\1 unknown/p'
`
}

// An Offer is what a DHCP server answered.
type Offer struct{ Address, Server string }

// ReadOffer reads what the script of Offers printed; the zero offer if nobody
// answered.
func ReadOffer(text string) (Offer, error) {
	f := strings.Fields(text)
	switch len(f) {
	case 0:
		return Offer{}, nil
	case 2:
		return Offer{f[0], f[1]}, nil
	}
	return Offer{}, fmt.Errorf("offers: not an address and a server: %q", text)
}
