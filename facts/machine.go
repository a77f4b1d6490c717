package facts

import (
	"fmt"
	"regexp"
	"strings"
)

// MachineScript prints the id that was given to the machine when it was installed,
// or "none".
const MachineScript = `
id=none
[ ! -r /etc/machine-id ] || read -r id </etc/machine-id || id=none
echo "$id"
`

var machineID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// ReadMachine reads what MachineScript printed; "" is a machine without an id.
func ReadMachine(text string) (string, error) {
	id := strings.TrimSpace(text)
	switch {
	case id == "none" || id == "" || id == "uninitialized":
		return "", nil
	case !machineID.MatchString(id):
		return "", fmt.Errorf("machine: not an id: %.40q", id)
	}
	return id, nil
}
