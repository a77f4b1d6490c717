package facts

import (
	"fmt"
	"strconv"
	"strings"
)

// DHCPServersScript prints the processes in the host's network that give leases:
// "server PID STATE NAME" with the kernel's letter for the state, each word of the command line as "word WORD", and of dnsmasq's
// files the lines about interfaces and leases as "line LINE".
const DHCPServersScript = `
net=$(readlink /proc/self/ns/net) || exit 2
for dir in /proc/[0-9]*; do
	read -r comm 2>/dev/null <"$dir/comm" || continue
	case $comm in *dhcpd* | dnsmasq | kea-dhcp4 | coredhcp) ;; *) continue ;; esac
	read -r stat 2>/dev/null <"$dir/stat" || continue
	case ${stat##*) } in Z*) continue ;; esac
	[ "$(readlink "$dir/ns/net")" = "$net" ] || continue
	line=$(tr '\0' '\n' <"$dir/cmdline" 2>/dev/null) || continue
	[ -n "$line" ] || continue
	state=${stat##*) }
	echo "server ${dir#/proc/} ${state%% *} $comm"
	printf '%s\n' "$line" | sed 's/^/word /'
	case $comm in dnsmasq) ;; *) continue ;; esac
	for file in $(printf '%s\n' "$line" | sed -n 's/^--conf-file=//p'; printf '%s\n' "$line" | sed -n '/^-C$/{n;p;}'); do
		sed -n -e 's/#.*//' -e '/^ *\(interface\|except-interface\|listen-address\|dhcp-range\|no-dhcp-interface\) *=/s/^ */line /p' "$file" 2>/dev/null
	done
done
`

// A DHCPServer is a process that gives leases.
type DHCPServer struct {
	PID        int
	Name       string   // of the program
	Stopped    bool     // by a signal: it runs, but serves nobody
	Words      []string // its command line
	Config     string   // its configuration file, if the command line names one
	Interfaces []string // where it listens; none: nobody said
	Leases     bool     // it gives leases at all: a dnsmasq may only answer names
}

// ReadDHCPServers reads what DHCPServersScript printed.
func ReadDHCPServers(text string) (list []DHCPServer, err error) {
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if word == "server" {
			f := strings.Fields(rest)
			if len(f) != 3 {
				return nil, fmt.Errorf("dhcp servers: %q", line)
			}
			number, err := strconv.Atoi(f[0])
			if err != nil {
				return nil, fmt.Errorf("dhcp servers: %q", line)
			}
			list = append(list, DHCPServer{PID: number, Name: f[2], Stopped: f[1] == "T" || f[1] == "t", Leases: f[2] != "dnsmasq"})
			continue
		}
		if len(list) == 0 || word != "word" && word != "line" {
			return nil, fmt.Errorf("dhcp servers: %q", line)
		}
		s := &list[len(list)-1]
		if word == "word" {
			s.Words = append(s.Words, rest)
		} else {
			s.option(rest)
		}
	}
	for i := range list {
		list[i].conclude()
	}
	return list, nil
}

// option is a setting of dnsmasq's.
func (s *DHCPServer) option(text string) {
	name, value, _ := strings.Cut(text, "=")
	switch strings.TrimSpace(name) {
	case "interface":
		s.Interfaces = append(s.Interfaces, strings.TrimSpace(value))
	case "dhcp-range":
		s.Leases = true
	}
}

// conclude reads the command line.
func (s *DHCPServer) conclude() {
	if s.Name == "dnsmasq" {
		for _, w := range s.Words {
			if o, ok := strings.CutPrefix(w, "--"); ok {
				s.option(o)
			}
		}
		return
	}
	takes := map[string]bool{"-cf": true, "-lf": true, "-pf": true, "-p": true, "-s": true, "-user": true, "-group": true, "-chroot": true, "-tf": true, "-play": true, "-cf6": true}
	for i := 1; i < len(s.Words); i++ {
		switch w := s.Words[i]; {
		case w == "-cf" && i+1 < len(s.Words):
			s.Config = s.Words[i+1]
			i++
		case takes[w]:
			i++
		case strings.HasPrefix(w, "-"):
		default:
			s.Interfaces = append(s.Interfaces, w)
		}
	}
}
