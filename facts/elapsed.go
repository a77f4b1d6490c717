package facts

import (
	"fmt"
	"strconv"
	"strings"
)

// elapsed is a function for scripts: how long this program's shell runs already, in
// hundredths of a second.
const elapsed = `
elapsed() {
	read -r stat <"/proc/$$/stat" || return
	read -r now rest </proc/uptime || return
	set -- ${stat##*) }
	echo $((${now%.*}${now#*.} - ${20}))
}
`

// ElapsedScript prints how long the program runs already, in hundredths of a second.
const ElapsedScript = elapsed + "elapsed || exit 2\n"

// ReadElapsed reads what ElapsedScript printed.
func ReadElapsed(text string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0, fmt.Errorf("elapsed: %w", err)
	}
	return n, nil
}
