package templates

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// filter is a filter over plain data.
type filter func(in any, args []any) (any, error)

// formatFilters let a value into a format, exactly as it is, or refuse it. A
// template puts one on every value that is not a number or a word of its own.
func formatFilters() map[string]filter {
	return map[string]filter{
		"xml":      formatXML,
		"dhcpd":    formatDhcpd,
		"iptables": formatIptables,
		"sh":       formatShell,
		"line":     formatLine,
	}
}

// scalar is the text of a value that is one word; lists, mappings and nothing
// have no such text.
func scalar(in any) (string, error) {
	switch v := in.(type) {
	case string:
		return v, nil
	case int64:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("%s is not a text", describe(in))
}

// formatXML is for text and for attributes in either kind of quotes. Characters
// that XML 1.0 cannot hold are refused.
func formatXML(in any, _ []any) (any, error) {
	s, err := scalar(in)
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%s is not UTF-8 and cannot be written in XML", shown(s))
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&#34;")
		case r == '\'':
			b.WriteString("&#39;")
		case r == '\t' || r == '\n' || r == '\r':
			fmt.Fprintf(&b, "&#%d;", r)
		case r < 0x20 || r == 0xfffe || r == 0xffff:
			return nil, fmt.Errorf("%s has a character that XML cannot express", shown(s))
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), nil
}

// formatDhcpd is for dhcpd.conf: dhcpd is a name, dhcpd('string') a text in quotes,
// dhcpd('ip') an IPv4 address and dhcpd('mac') a hardware address.
func formatDhcpd(in any, args []any) (any, error) {
	s, err := scalar(in)
	if err != nil {
		return nil, err
	}
	switch sort := word(args, "name"); sort {
	case "name":
		if len(s) > 255 || !startsAlnum(s) || !only(s, "._-") {
			return nil, fmt.Errorf("%s is no name for dhcpd (letters, digits, dots, dashes and underscores)", shown(s))
		}
		return s, nil
	case "string":
		if len(s) > 255 || !printable(s) {
			return nil, fmt.Errorf("%s cannot be a text of dhcpd's (up to 255 printable ASCII characters)", shown(s))
		}
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`, nil
	case "ip":
		return ipv4(s)
	case "mac":
		return mac(s)
	default:
		return nil, fmt.Errorf("dhcpd(%q): it is name, string, ip or mac", sort)
	}
}

// iptablesLimits are what the kernel's names can hold, by what they name.
var iptablesLimits = map[string]int{"word": 255, "chain": 28, "set": 31, "interface": 15}

// formatIptables is for iptables-restore: iptables is a word such as an address or a list of
// states, iptables('chain'), ('set') and ('interface') are names, iptables('text')
// is a comment in quotes.
func formatIptables(in any, args []any) (any, error) {
	s, err := scalar(in)
	if err != nil {
		return nil, err
	}
	sort := word(args, "word")
	if sort == "text" {
		if len(s) > 255 || !printable(s) || strings.ContainsAny(s, `"'\`) {
			return nil, fmt.Errorf("%s cannot be a comment of iptables (up to 255 printable ASCII characters, no quotes, no backslash)", shown(s))
		}
		return `"` + s + `"`, nil
	}
	limit, ok := iptablesLimits[sort]
	if !ok {
		return nil, fmt.Errorf("iptables(%q): it is word, chain, set, interface or text", sort)
	}
	punctuation := "._-"
	switch sort {
	case "word":
		punctuation = "._-:/,"
	case "interface": // eth0.+ is all that begin with eth0.
		punctuation = "._-+"
	}
	if s == "" || s[0] == '-' || len(s) > limit || !only(s, punctuation) {
		return nil, fmt.Errorf("%s is no %s for iptables (letters, digits and %s, up to %d)", shown(s), sort, punctuation, limit)
	}
	return s, nil
}

// formatShell is one word for sh, in single quotes.
func formatShell(in any, _ []any) (any, error) {
	s, err := scalar(in)
	if err != nil {
		return nil, err
	}
	if strings.ContainsRune(s, 0) {
		return nil, fmt.Errorf("%s has a NUL byte, which sh cannot hold", shown(s))
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", nil
}

// formatLine is for files of words in lines: printable, neither blank nor empty.
func formatLine(in any, _ []any) (any, error) {
	s, err := scalar(in)
	if err != nil {
		return nil, err
	}
	if s == "" || !printable(s) || strings.Contains(s, " ") {
		return nil, fmt.Errorf("%s is not one word", shown(s))
	}
	return s, nil
}

func ipv4(s string) (any, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return nil, fmt.Errorf("%s is no IPv4 address", shown(s))
	}
	return a.String(), nil
}

func mac(s string) (any, error) {
	if len(s) != 17 {
		return nil, fmt.Errorf("%s is no hardware address", shown(s))
	}
	for i := range len(s) {
		c := s[i]
		isHex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if i%3 == 2 && c != ':' || i%3 != 2 && !isHex {
			return nil, fmt.Errorf("%s is no hardware address", shown(s))
		}
	}
	return s, nil
}

// word is the first argument of a filter, or what it is if not given.
func word(args []any, otherwise string) string {
	if len(args) == 0 {
		return otherwise
	}
	return fmt.Sprint(args[0])
}

func startsAlnum(s string) bool { return s != "" && isAlnum(s[0]) }

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// only tells whether s is letters, digits and the given punctuation.
func only(s, punctuation string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) && strings.IndexByte(punctuation, s[i]) < 0 {
			return false
		}
	}
	return true
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
