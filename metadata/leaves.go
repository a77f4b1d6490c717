package metadata

import (
	"slices"
	"strconv"
	"strings"

	"eucactl/cloud"
)

// leaf is a value and the path that leads to it.
type leaf struct{ path, value string }

// tree is all that is below meta-data.
type tree struct {
	leaves []leaf
	shown  map[string]string // folders that are listed otherwise than by their names
}

// leaves are the keys of Eucalyptus 2.0.1. What an instance does not have it is not
// told of, as in EC2: whoever walks the lists finds every name that is in them.
func leaves(m cloud.Metadata) tree {
	t := tree{leaves: []leaf{
		{"ami-id", string(m.Image)},
		{"ami-launch-index", strconv.Itoa(m.LaunchIndex)},
		{"ami-manifest-path", "(unknown)"}, // EC2's word for an image that was not bundled
		{"ancestor-ami-ids", ""},
		{"block-device-mapping/ami", "vda"},
		{"block-device-mapping/emi", "vda"},
		// There are no such disks. An empty answer keeps a guest from taking another for one.
		{"block-device-mapping/ephemeral", ""},
		{"block-device-mapping/root", "/dev/vda"},
		{"block-device-mapping/swap", ""},
		{"hostname", m.Hostname},
		{"instance-id", string(m.Instance)},
		{"instance-type", m.Type},
		{"local-hostname", m.Hostname},
		{"local-ipv4", m.Private.String()},
		{"placement/availability-zone", m.Zone},
		{"reservation-id", string(m.Reservation)},
		{"security-groups", strings.Join(m.Groups, "\n")},
	}}
	if m.Kernel != "" {
		t.add("kernel-id", string(m.Kernel))
	}
	if m.Ramdisk != "" {
		t.add("ramdisk-id", string(m.Ramdisk))
	}
	if m.Public.IsValid() {
		t.add("public-hostname", m.Public.String()) // nobody serves names for these addresses
		t.add("public-ipv4", m.Public.String())
	}
	if m.KeyName != "" {
		t.add("public-keys/0/openssh-key", m.PublicKey)
		t.shown = map[string]string{"public-keys": "0=" + m.KeyName}
	}
	return t
}

func (t *tree) add(path, value string) { t.leaves = append(t.leaves, leaf{path, value}) }

// look is the value at a path, or the list of what is in a folder. A folder may be
// asked for with and without the slash at its end.
func (t tree) look(path string) (string, bool) {
	for _, l := range t.leaves {
		if l.path == path {
			return l.value, true
		}
	}
	folder := strings.TrimSuffix(path, "/")
	if shown, ok := t.shown[folder]; ok {
		return shown, true
	}
	names := t.names(folder)
	return strings.Join(names, "\n"), len(names) > 0
}

// names are what is in a folder, folders with a slash.
func (t tree) names(folder string) (names []string) {
	if folder != "" {
		folder += "/"
	}
	for _, l := range t.leaves {
		rest, ok := strings.CutPrefix(l.path, folder)
		if !ok {
			continue
		}
		if name, _, deeper := strings.Cut(rest, "/"); deeper {
			rest = name + "/"
		}
		if !slices.Contains(names, rest) {
			names = append(names, rest)
		}
	}
	slices.Sort(names)
	return names
}
