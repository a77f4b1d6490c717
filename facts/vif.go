package facts

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// Vif is the script that prints how a machine of libvirt stands now: its state, and
// its definition as it runs. Of a machine that libvirt does not list it prints
// "absent".
func Vif(name string) string {
	return `
names=$(timeout 120 virsh -q -c qemu:///system list --all --name) || exit 2
case "
$names
" in *"
` + name + `
"*) ;; *)
	echo absent
	exit 0
	;;
esac
timeout 120 virsh -q -c qemu:///system 'domstate --reason ` + name + `; dumpxml ` + name + `' || exit 2
`
}

// A Guest is a machine as it runs now, with its network cards.
type Guest struct {
	Absent bool
	State  string
	Reason string
	Cards  []Card
}

// A Card is a network card of a machine, and where it is plugged in.
type Card struct {
	MAC    string
	Bridge string // that the definition names
	Tap    string // the interface of the host, while it runs
	Down   bool   // its cable is pulled out (virsh domif-setlink)
	Filter string // a filter of libvirt's own
}

// ReadVif reads what the script of Vif printed.
func ReadVif(text string) (g Guest, err error) {
	first, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if first == "absent" {
		return Guest{Absent: true}, nil
	}
	if g.State, g.Reason = state(first); g.State == "unknown" {
		return Guest{}, fmt.Errorf("machine: no state: %q", first)
	}
	var raw struct {
		Cards []struct {
			MAC struct {
				Address string `xml:"address,attr"`
			} `xml:"mac"`
			Source struct {
				Bridge string `xml:"bridge,attr"`
			} `xml:"source"`
			Target struct {
				Dev string `xml:"dev,attr"`
			} `xml:"target"`
			Link struct {
				State string `xml:"state,attr"`
			} `xml:"link"`
			Filter struct {
				Name string `xml:"filter,attr"`
			} `xml:"filterref"`
		} `xml:"devices>interface"`
	}
	if err := xml.Unmarshal([]byte(rest), &raw); err != nil {
		return Guest{}, fmt.Errorf("machine: %w", err)
	}
	for _, c := range raw.Cards {
		g.Cards = append(g.Cards, Card{strings.ToLower(c.MAC.Address), c.Source.Bridge, c.Target.Dev, c.Link.State == "down", c.Filter.Name})
	}
	return g, nil
}
