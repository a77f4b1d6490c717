package inventory

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"eucactl/spelling"
)

// setting is one variable that means something here and how its value is read.
// parse gets a value without Jinja2 in it, and never nil.
type setting struct {
	name  string
	parse func(any) (any, error)
}

// settings lists all variables that mean something here.
func settings() []setting {
	return append(connectionSettings(), append(hostSettings(), networkSettings()...)...)
}

func connectionSettings() []setting {
	return []setting{
		{"ansible_host", word(checkAddress)},
		{"ansible_port", number(1, 65535)},
		{"ansible_user", word(checkUser)},
		{"ansible_ssh_private_key_file", word(checkPath)},
		{"ansible_become", boolean},
		{"ansible_become_user", word(checkUser)},
		{"ansible_connection", oneOf("ssh", "local", "smart")},
		{"ansible_timeout", number(1, 3600)},
		{groupPriority, number(-1000000, 1000000)},
	}
}

func hostSettings() []setting {
	return []setting{
		{"cluster", word(checkCluster)},
		{"hypervisor", parseHypervisor},
		{"node_cores", number(1, 1<<16)},
		{"node_memory", number(1, 1<<30)},
		{"node_disk", number(1, 1<<30)},
		{"vnet_bridge", word(checkBridge)},
		{"vnet_interface", word(checkInterface)},
		{"vnet_pubinterface", word(checkInterface)},
		{"vnet_privinterface", word(checkInterface)},
	}
}

// networkSettings are those of a whole cluster: the frontend's count, and its
// nodes may not say otherwise.
func networkSettings() []setting {
	return []setting{
		{"firewall_policy", oneOf(Preserve, Flush)},
		{"vnet_mode", func(v any) (any, error) { return asWord(v, parseMode) }},
		{"vnet_subnet", func(v any) (any, error) { return asWord(v, parseSubnet) }},
		{"vnet_netmask", func(v any) (any, error) { return asWord(v, parseNetmask) }},
		{"vnet_broadcast", address(parseIPv4)},
		{"vnet_router", address(parseUsableIPv4)},
		{"vnet_dns", parseDNS},
		{"vnet_domainname", word(checkHostName)},
		{"vnet_macmap", parseMACMap},
		{"vnet_addrspernet", parseAddrsPerNet},
		{"vnet_publicips", parsePublicIPs},
		{"vnet_dhcpdaemon", word(checkProgram)},
		{"vnet_dhcpuser", word(checkSystemUser)},
		{"vnet_localip", address(parseUsableIPv4)},
		{"vnet_cloudip", address(parseUsableIPv4)},
	}
}

// asWord hands a string value to read and refuses values of other types.
func asWord[T any](v any, read func(string) (T, error)) (any, error) {
	s, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%s where a word is needed%s", isA(v), quoteAdvice(v))
	}
	if s == "" {
		return nil, fmt.Errorf("it has an empty value")
	}
	return read(s)
}

func quoteAdvice(v any) string {
	switch v.(type) {
	case bool, int64, float64:
		return "; put it in quotes if it is meant as one"
	}
	return ""
}

func word(check func(string) error) func(any) (any, error) {
	return func(v any) (any, error) {
		return asWord(v, func(s string) (string, error) { return s, check(s) })
	}
}

func address(parse func(string) (netip.Addr, error)) func(any) (any, error) {
	return func(v any) (any, error) { return asWord(v, parse) }
}

func oneOf(words ...string) func(any) (any, error) {
	return word(func(s string) error {
		for _, w := range words {
			if s == w {
				return nil
			}
		}
		return fmt.Errorf("%s is not %s%s", shown(s), strings.Join(words, " or "), didYouMean(s, words))
	})
}

func number(low, high int64) func(any) (any, error) {
	return func(v any) (any, error) {
		n, ok := v.(int64)
		if s, isWord := v.(string); isWord {
			if _, err := strconv.Atoi(s); err == nil {
				return nil, fmt.Errorf("%s where a number is needed; write it without quotes", isA(v))
			}
		}
		if !ok {
			return nil, fmt.Errorf("%s where a number is needed", isA(v))
		}
		if n < low || n > high {
			return nil, fmt.Errorf("%d is not between %d and %d", n, low, high)
		}
		return int(n), nil
	}
}

func boolean(v any) (any, error) {
	if b, ok := v.(bool); ok {
		return b, nil
	}
	return nil, fmt.Errorf("%s; write true or false without quotes", isA(v))
}

// words reads a list of words: a YAML list, or one string with spaces or commas
// between, as the guide writes them.
func words(v any) ([]string, error) {
	switch v := v.(type) {
	case string:
		return splitWords(v), nil
	case []any:
		var all []string
		for i, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, itemError{i, fmt.Errorf("%s where a word is needed%s", isA(item), quoteAdvice(item))}
			}
			all = append(all, s)
		}
		return all, nil
	}
	return nil, fmt.Errorf("%s where words are needed, in one string or in a list", isA(v))
}

func splitWords(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool {
		return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == ','
	})
}

// itemError is an error in one item of a YAML list; it lets the error name the
// item's own line.
type itemError struct {
	index int
	err   error
}

func (e itemError) Error() string { return e.err.Error() }
func (e itemError) Unwrap() error { return e.err }

// itemErrors are all errors in the items of one list.
type itemErrors []itemError

func (e itemErrors) Error() string {
	var words []string
	for _, one := range e {
		words = append(words, one.Error())
	}
	return strings.Join(words, "; ")
}

// orNil keeps an empty list from being taken for an error.
func (e itemErrors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// eachError lists the errors that a value has: of a list one for each bad item.
func eachError(err error) []error {
	var items itemErrors
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &items):
		return []error{err}
	}
	var all []error
	for _, one := range items {
		all = append(all, one)
	}
	return all
}

func didYouMean(s string, words []string) string {
	if w := spelling.Nearest(s, words); w != "" && w != s {
		return fmt.Sprintf("; did you mean %s?", w)
	}
	return ""
}
