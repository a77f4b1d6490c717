package preflight

import (
	"fmt"
	"time"
)

// mostSkew is by how much hosts' clocks may differ from the controller's.
const mostSkew = 2 * time.Second

// clockFindings tells a clock that is certainly off: the host's first time was read
// after we sent, its last one before we received, and each is a whole second.
func clockFindings(h *Host) []Finding {
	least := h.clock.Sub(h.Received)                 // the host was at least this far ahead
	most := h.boot.Time.Add(time.Second).Sub(h.Sent) // and at most this far
	const fix = "let ntpd, chronyd or systemd-timesyncd keep its time"
	evidence := "date on the host: " + h.clock.Format(time.RFC3339) + ", here: " + h.Received.UTC().Format(time.RFC3339)
	switch {
	case least > mostSkew:
		return []Finding{h.found(Warning, fmt.Sprintf("its clock is %s ahead of the controller's", least.Round(time.Second)), evidence, fix)}
	case -most > mostSkew:
		return []Finding{h.found(Warning, fmt.Sprintf("its clock is %s behind the controller's", (-most).Round(time.Second)), evidence, fix)}
	}
	return nil
}
