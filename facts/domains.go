package facts

import (
	"fmt"
	"strings"
)

// DomainsScript prints the complete list of libvirt's domains, in two calls of
// virsh however many there are. It begins with "boot ID"; each domain is a line
// "domain NAME", and those named like machines are followed by what is known of
// them: "state STATE (REASON)", "cloud ID" of our metadata, "started BOOT REBOOTS
// SUM" and "defined SUM" as tasks' domain.sh writes them, and, if libvirtd forgot
// why it is off, the "last" line of its log about that.
const DomainsScript = `
names=$(timeout 120 virsh -q -c qemu:///system list --all --name) || exit 2
read -r boot </proc/sys/kernel/random/boot_id || exit 2
echo "boot $boot"
# A node that goes down asks its guests to: that is not the guests' own wish.
if [ -e /run/nologin ] || [ -e /run/systemd/shutdown/scheduled ]; then
	echo "stopping"
elif [ -d /run/systemd/system ]; then
	case $(systemctl is-system-running 2>/dev/null) in stopping | offline) echo "stopping" ;; esac
fi
set -f
IFS='
'
batch=
for name in $names; do
	case $name in i-*[!0-9a-f]*) continue ;; i-????????) ;; *) continue ;; esac
	batch="${batch}echo @$name/; domstate --reason $name; metadata $name urn:eucactl; "
done
known=
[ -z "$batch" ] || known=$(timeout 120 virsh -q -c qemu:///system "$batch" 2>/dev/null)
for name in $names; do
	echo "domain $name"
	case $known in *"@$name/"*) ;; *) continue ;; esac
	own=${known#*"@$name/"}
	own=${own%%@i-*}
	echo "state ${own%%
*}"
	case $own in
	*'<instance cloud="'*"\" name=\"$name\"/>"*)
		own=${own#*'<instance cloud="'}
		echo "cloud ${own%%\"*}"
		own=
		;;
	*) continue ;;
	esac
	set +f
	for dir in /var/lib/eucalyptus/instances/*/"$name"; do
		if [ -f "$dir/started" ] && read -r line <"$dir/started"; then echo "started $line"; fi
		if [ -f "$dir/domain.sum" ] && read -r line <"$dir/domain.sum"; then echo "defined $line"; fi
		break
	done
	set -f
	case $known in *"@$name/shut off (unknown)"*) ;; *) continue ;; esac
	[ -f "/var/log/libvirt/qemu/$name.log" ] || continue
	line=$(sed -n -e '/: starting up /h' -e '/: shutting down, reason=/h' -e '$!d' -e 'x;p' "/var/log/libvirt/qemu/$name.log") || exit 2
	echo "last $line"
done
`

// A Domain is one line of a node's list of virtual machines. Of those that are not
// named like ours only the name is known.
type Domain struct {
	Name           string
	State          string // running, paused, shut off, crashed ...; "" if not asked
	Reason         string // libvirt's word for why: booted, shutdown, crashed ...
	Cloud          string // the cloud whose metadata it carries, "" if none
	Boot           string // the boot of the host in which it was last started by us
	Reboots        int    // how many reboots of its user that start or later resets count
	PoweredOff     bool   // the guest switched itself off in this boot of the host
	PendingRestart bool   // it runs with an older definition than its present one
}

// Active tells whether the domain has a process that counts as running.
func (d Domain) Active() bool {
	switch d.State {
	case "", "shut off", "crashed":
		return false
	}
	return true
}

// ReadDomains reads what DomainsScript printed.
func ReadDomains(text string) ([]Domain, error) {
	var r domainReader
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if err := r.line(word, rest); err != nil {
			return nil, err
		}
	}
	r.end()
	if r.boot == "" {
		return nil, fmt.Errorf("domains: the boot id is missing")
	}
	return r.list, nil
}

// domainReader holds what is said of the list's last domain until the next begins.
type domainReader struct {
	boot                   string
	stopping               bool
	list                   []Domain
	open                   bool
	ran, defined, lastWord string
}

func (r *domainReader) line(word, rest string) error {
	if word == "boot" && r.boot == "" && bootID.MatchString(rest) {
		r.boot = rest
		return nil
	}
	if word == "stopping" && r.boot != "" && !r.open {
		r.stopping = true
		return nil
	}
	if word == "domain" && r.boot != "" && rest != "" {
		r.end()
		*r = domainReader{boot: r.boot, stopping: r.stopping, list: append(r.list, Domain{Name: rest}), open: true}
		return nil
	}
	if !r.open {
		return fmt.Errorf("domains: %q does not belong to a domain", word+" "+rest)
	}
	d := &r.list[len(r.list)-1]
	switch word {
	case "state":
		d.State, d.Reason = state(rest)
	case "cloud":
		d.Cloud = rest
	case "started":
		// A mark that was damaged counts as none, as for domain.sh.
		if n, err := fmt.Sscanf(rest, "%s %d %s", &d.Boot, &d.Reboots, &r.ran); n < 2 && err != nil {
			d.Boot, d.Reboots = "", 0
		}
	case "defined":
		r.defined = rest
	case "last":
		r.lastWord = rest
	default:
		return fmt.Errorf("domains: %s: unexpected %q", d.Name, word)
	}
	return nil
}

// state splits "shut off (crashed)". A domain that went away between two calls of
// virsh has neither.
func state(text string) (state, reason string) {
	state, reason, ok := strings.Cut(text, " (")
	if !ok || !strings.HasSuffix(reason, ")") {
		return "unknown", ""
	}
	return state, strings.TrimSuffix(reason, ")")
}

// end concludes what follows from all that was said of a domain.
func (r *domainReader) end() {
	if !r.open {
		return
	}
	d := &r.list[len(r.list)-1]
	switchedOff := d.Reason == "shutdown" ||
		d.Reason == "unknown" && strings.HasSuffix(r.lastWord, "reason=shutdown")
	d.PoweredOff = d.Cloud != "" && d.State == "shut off" && d.Boot == r.boot && switchedOff && !r.stopping
	d.PendingRestart = d.Cloud != "" && d.Active() && r.ran != "" && r.ran != "-" && r.defined != "" && r.ran != r.defined
	r.open = false
}
