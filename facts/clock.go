package facts

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ClockScript prints the seconds since 1970. It is asked last: BootScript, asked
// first, says the time too, and both together bound how far the host's clock is off.
const ClockScript = `
date -u +%s || exit 2
`

// ReadClock reads what ClockScript printed.
func ReadClock(text string) (time.Time, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("clock: not a number of seconds: %q", text)
	}
	return time.Unix(n, 0).UTC(), nil
}
