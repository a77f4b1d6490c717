package tasks

import (
	"strings"
	"testing"
)

// A check of 200 tasks is the everyday run.
func BenchmarkText200(b *testing.B) {
	p, e := checks200(b)
	for b.Loop() {
		if _, err := p.Text(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRun200(b *testing.B) {
	for _, sh := range shells {
		b.Run(sh.name, func(b *testing.B) {
			p, e := checks200(b)
			if r := run(b, sh, p, e); !r.Done {
				b.Fatal(r)
			}
			for b.Loop() {
				if r := run(b, sh, p, e); !r.Done || r.Results[199].Outcome != OK {
					b.Fatal(r)
				}
			}
		})
	}
}

func checks200(b *testing.B) (*Program, Env) {
	p, dir := program(b), b.TempDir()
	for i := range 200 {
		if i%2 == 0 {
			call(b, p, "dir", "path", dir+"/"+strings.Repeat("d", i/2+1))
		} else {
			call(b, p, "kernel_setting", "name", "kernel.ostype", "value", "Linux")
		}
	}
	return p, hostEnv(b)
}
