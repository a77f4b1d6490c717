package remote

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hop is one SSH server on the way to a host, with everything decided: the
// last hop is the host itself, those before it are jump hosts.
type hop struct {
	name       string // what messages call it
	host       string // name or address without port
	address    string // host:port to connect to
	pin        string // host:port under which its key is looked up
	user       string
	keyFiles   []string
	defaults   bool   // keyFiles are only the usual places to look
	onlyFiles  bool   // IdentitiesOnly
	agent      string // socket
	knownHosts []string
	jump       bool
	timeout    time.Duration // of the connection's start
}

// maxHops keeps jump hosts that name each other from going round for ever.
const maxHops = 8

// route resolves a target through ssh_config into the hops that lead to it.
// The inventory's words go before ssh_config's, as with Ansible.
func (d *Dialer) route(t Target) ([]hop, error) {
	config, err := readSSHConfig(d.SSHConfig)
	if err != nil {
		return nil, err
	}
	return d.hops(config, t, false, maxHops)
}

func (d *Dialer) hops(config sshConfig, t Target, jump bool, left int) ([]hop, error) {
	if left == 0 {
		return nil, errors.New("ssh_config: too many jump hosts in a row")
	}
	if t.host() == "" {
		return nil, errors.New("no address: set ansible_host")
	}
	h, err := d.hop(config, t, jump)
	if err != nil {
		return nil, err
	}
	way, err := d.jumps(config, t.host(), left)
	return append(way, h), err
}

func (d *Dialer) hop(config sshConfig, t Target, jump bool) (hop, error) {
	alias := t.host()
	x := expansion{home: d.Home, local: d.User, alias: alias, host: alias}
	h := hop{
		name: t.name(), jump: jump, user: first(t.User, config.get(alias, "User"), d.User),
		timeout: or(t.ConnectTimeout, d.connectTimeout()),
	}
	h.host = first(x.expand(config.get(alias, "HostName")), alias)
	port := strconv.Itoa(t.Port)
	if t.Port == 0 {
		port = first(config.get(alias, "Port"), "22")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return h, fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	h.address = net.JoinHostPort(h.host, port)
	h.pin = h.address
	x.host, x.port, x.user = h.host, port, h.user
	if a := first(t.HostKeyAlias, x.expand(config.get(alias, "HostKeyAlias"))); a != "" {
		h.pin = net.JoinHostPort(a, "22") // an alias has no port, which is how 22 is written
	}
	h.onlyFiles = strings.EqualFold(config.get(alias, "IdentitiesOnly"), "yes")
	for _, f := range slices.Concat(t.KeyFiles, config.all(alias, "IdentityFile")) {
		h.keyFiles = append(h.keyFiles, x.expand(f))
	}
	if len(h.keyFiles) == 0 {
		h.keyFiles, h.defaults = d.KeyFiles, true
	}
	h.agent = d.agentFor(config.get(alias, "IdentityAgent"), x)
	h.knownHosts = d.knownHostsFor(config, alias, x)
	return h, nil
}

func (d *Dialer) agentFor(setting string, x expansion) string {
	switch setting {
	case "", "SSH_AUTH_SOCK":
		return d.Agent
	case "none":
		return ""
	}
	return x.expand(setting)
}

// knownHostsFor adds the files ssh_config names to ours; it never takes away.
func (d *Dialer) knownHostsFor(config sshConfig, alias string, x expansion) []string {
	var files []string
	if d.KnownHosts != "" {
		files = append(files, d.KnownHosts)
	}
	for _, key := range []string{"UserKnownHostsFile", "GlobalKnownHostsFile"} {
		for _, f := range strings.Fields(config.get(alias, key)) {
			if f != "none" && f != "/dev/null" {
				files = append(files, x.expand(f))
			}
		}
	}
	return append(files, d.MoreKnownHosts...)
}

// jumps returns the hops before the host called alias.
func (d *Dialer) jumps(config sshConfig, alias string, left int) ([]hop, error) {
	jump, command := config.get(alias, "ProxyJump"), config.get(alias, "ProxyCommand")
	if jump == "" && command != "" && command != "none" {
		return nil, errors.New("ssh_config sets ProxyCommand, which is not supported: use ProxyJump")
	}
	if jump == "" || jump == "none" {
		return nil, nil
	}
	var way []hop
	for i, word := range strings.Split(jump, ",") {
		t, err := parseJump(word)
		if err != nil {
			return nil, err
		}
		if i == 0 { // only the first may need others itself
			way, err = d.hops(config, t, true, left-1)
		} else {
			var h hop
			h, err = d.hop(config, t, true)
			way = append(way, h)
		}
		if err != nil {
			return nil, fmt.Errorf("jump host %s: %w", t.host(), err)
		}
	}
	return way, nil
}

// parseJump reads [ssh://][user@]host[:port].
func parseJump(word string) (Target, error) {
	var t Target
	rest := strings.TrimPrefix(strings.TrimSpace(word), "ssh://")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		t.User, rest = rest[:at], rest[at+1:]
	}
	t.Address = rest
	if host, port, err := net.SplitHostPort(rest); err == nil {
		if t.Port, err = strconv.Atoi(port); err != nil {
			return t, fmt.Errorf("ssh_config: ProxyJump %q has no valid port", word)
		}
		t.Address = host
	}
	t.Address = strings.Trim(t.Address, "[]")
	if t.Address == "" {
		return t, fmt.Errorf("ssh_config: ProxyJump %q names no host", word)
	}
	return t, nil
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}
