package facts

import (
	"fmt"
	"strconv"
	"strings"
)

// Accounts is the script that prints as whom programs run ("uid 0"), and which of
// the named users the host has ("user dhcpd").
func Accounts(users ...string) string {
	var b strings.Builder
	b.WriteString("\nuid=$(id -u) || exit 2\necho \"uid $uid\"\n")
	for _, user := range users {
		word := quote(user)
		b.WriteString("! id -u " + word + " >/dev/null 2>&1 || echo user " + word + "\n")
	}
	return b.String()
}

// Account is as whom a host runs programs, and some of its users.
type Account struct {
	UID   int
	Users []string
}

// ReadAccounts reads what the script of Accounts printed.
func ReadAccounts(text string) (Account, error) {
	a := Account{UID: -1}
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.Atoi(rest)
		switch {
		case word == "uid" && err == nil && a.UID < 0 && n >= 0:
			a.UID = n
		case word == "user" && rest != "":
			a.Users = append(a.Users, rest)
		default:
			return Account{}, fmt.Errorf("accounts: neither uid nor user: %q", line)
		}
	}
	if a.UID < 0 {
		return Account{}, fmt.Errorf("accounts: the uid is missing")
	}
	return a, nil
}
