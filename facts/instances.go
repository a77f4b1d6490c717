package facts

import (
	"fmt"
	"strings"
)

// InstancesScript prints a line for each folder of a machine: its path, and after
// a tab what its file owner says ("CLOUD NAME"), nothing if it has none.
const InstancesScript = `
for dir in /var/lib/eucalyptus/instances/*/*; do
	[ -d "$dir" ] || continue
	case $dir in *[!A-Za-z0-9._/@-]*) continue ;; esac
	owner=
	[ ! -f "$dir/owner" ] || read -r owner <"$dir/owner"
	printf '%s\t%s\n' "$dir" "$owner"
done
`

// An InstanceDir is the folder of a machine, whether it runs or not.
type InstanceDir struct {
	Path  string
	Cloud string // whose it is; "" if it has no owner
	Name  string
}

// ReadInstances reads what InstancesScript printed.
func ReadInstances(text string) ([]InstanceDir, error) {
	var list []InstanceDir
	for line := range strings.Lines(text) {
		path, owner, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || !strings.HasPrefix(path, "/") {
			return nil, fmt.Errorf("instances: not a path and an owner: %q", line)
		}
		d := InstanceDir{Path: path}
		d.Cloud, d.Name, _ = strings.Cut(owner, " ")
		list = append(list, d)
	}
	return list, nil
}
