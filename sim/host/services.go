package host

import (
	"fmt"
	"strings"

	"eucactl/tasks"
)

// service is a unit of systemd.
type service struct {
	running bool
	starts  int
}

func (s *service) stop() { s.running = false }

func (s *service) start() {
	s.running = true
	s.starts++
}

// serviceLook finds the unit that a task names.
func serviceLook(p *process, args []string) (*service, int) {
	switch args[1] {
	case "started", "stopped":
	default:
		return nil, p.words(2, "service: state is started or stopped, not '"+args[1]+"'")
	}
	if p.dead("systemctl") {
		return nil, p.words(2, "systemctl: Failed to connect to bus")
	}
	s := p.m.services[args[0]]
	if s == nil {
		return nil, p.words(2, "service: systemd knows no unit "+args[0]+": is it installed?")
	}
	return s, 0
}

// serviceSum is one sum of the files that a service reads.
func serviceSum(p *process, config string) (string, int) {
	var sums []string
	for path := range strings.FieldsSeq(config) {
		text, ok := p.m.files.read(path)
		if !ok {
			return "", p.words(2, "service: "+path+", named in config, is not a file")
		}
		sums = append(sums, tasks.Sum(text))
	}
	return strings.Join(sums, "-"), 0
}

func (s *service) marker(sum string) string { return fmt.Sprintf("%s %032x", sum, s.starts) }

func checkService(p *process, args []string) int {
	s, rc := serviceLook(p, args)
	if rc != 0 {
		return rc
	}
	if args[1] == "stopped" {
		return oneIf(s.running)
	}
	sum, rc := serviceSum(p, args[2])
	if rc != 0 {
		return rc
	}
	marked := args[2] == "" || p.m.files.firstLine(p.hostDir+"/services/"+args[0]) == s.marker(sum)
	return oneIf(!s.running || !marked)
}

func oneIf(wrong bool) int {
	if wrong {
		return 1
	}
	return 0
}

func applyService(p *process, args []string) int {
	s, rc := serviceLook(p, args)
	if rc != 0 {
		return rc
	}
	if args[1] == "stopped" {
		p.do("systemctl stop "+args[0], s.stop)
		return 0
	}
	sum, rc := serviceSum(p, args[2])
	if rc != 0 {
		return rc
	}
	p.do("systemctl restart "+args[0], s.start)
	if args[2] == "" {
		return 0
	}
	if rc := p.mkdir(p.hostDir+"/services", 0o700); rc != 0 {
		return rc
	}
	return p.replace(p.hostDir+"/services/"+args[0], s.marker(sum)+"\n", 0o600)
}
