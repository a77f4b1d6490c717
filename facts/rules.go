package facts

import (
	"fmt"
	"strings"
)

// RulesScript prints "TABLE CHAIN MARK..." for every chain whose first rule carries
// a mark of eucactl, whichever cloud's.
const RulesScript = `
rules=$(iptables-save) || exit 2
printf '%s\n' "$rules" | awk '
/^\*/ { table = substr($1, 2) }
$1 == "-A" && !((table, $2) in seen) {
	seen[table, $2] = 1
	if (match($0, /--comment "eucactl [^"]*"/)) print table, $2, substr($0, RSTART + 11, RLENGTH - 12)
}'
`

// A Chain is a chain of iptables that some eucactl made.
type Chain struct {
	Table, Name string
	Cloud       string
	About       string // the rest of the mark
}

// ReadRules reads what RulesScript printed.
func ReadRules(text string) ([]Chain, error) {
	var list []Chain
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 5)
		if len(f) < 4 || f[2] != "eucactl" {
			return nil, fmt.Errorf("rules: not a table, a chain and a mark: %q", line)
		}
		c := Chain{Table: f[0], Name: f[1], Cloud: f[3]}
		if len(f) == 5 {
			c.About = f[4]
		}
		list = append(list, c)
	}
	return list, nil
}
