package facts

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// ConsoleSize is how much of a machine's console is asked for: its end.
const ConsoleSize = 64 << 10

// Console is the script that prints the last 64 KiB of the console of the machine
// whose folder is dir, in base64: a guest writes what it likes there. virtlogd
// moves a full log to console.log.0.
func Console(dir string) string {
	return `
log=` + quote(dir+"/console.log") + `
if [ ! -f "$log" ]; then
	echo "$log does not exist" >&2
	exit 2
fi
{
	[ ! -f "$log.0" ] || tail -c 65536 "$log.0"
	tail -c 65536 "$log"
} | tail -c 65536 | base64
`
}

// ReadConsole reads what the script of Console printed: bytes as the guest wrote them.
func ReadConsole(text string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	if len(b) > ConsoleSize {
		return nil, fmt.Errorf("console: %d bytes, asked for %d", len(b), ConsoleSize)
	}
	return b, nil
}
