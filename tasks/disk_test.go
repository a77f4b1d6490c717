package tasks

import (
	"strconv"
	"strings"
	"testing"
)

func TestMachineDir(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		dir := kindCall{"machine_dir", "path", machineHome, "name", machineName}
		h.try(kindTry{
			kindCall: dir,
			bare:     `rm -rf /var/lib/eucalyptus`,
			states: []kindState{
				{"absent", ``},
				{"empty", `mkdir -p ` + machineHome + `; chmod 711 ` + machineHome + ` /var/lib/eucalyptus /var/lib/eucalyptus/instances /var/lib/eucalyptus/instances/admin`},
			},
			proof: `find /var/lib/eucalyptus -printf '%p %m\n' 2>/dev/null | sort; cat ` + machineHome + `/owner 2>/dev/null || :`,
		})
		for name, owner := range map[string]string{
			"another cloud": "0badc10d i-0000000a", "another machine": testCloud + " i-0000000b", "nobody": "",
		} {
			h.do(`printf '%s\n' "$0" >`+machineHome+`/owner`, owner)
			for _, e := range []Env{kindCheck, kindApply} {
				if w := h.wants(dir, e, Failed); !strings.Contains(w, "belongs to") {
					t.Errorf("%s: %s", name, w)
				}
			}
		}
		h.do(`rm ` + machineHome + `/owner; echo precious >` + machineHome + `/.data`)
		if w := h.wants(dir, kindApply, Failed); !strings.Contains(w, "has files but no owner") {
			t.Error(w)
		}
	})
}

// diskTry is a disk over a raw image of 1 MiB.
var (
	diskImage = strings.Repeat("0123456789abcde\n", 1<<16)
	diskFile  = "/var/lib/eucactl/host/images/" + Sum(diskImage)
	diskCall  = kindCall{"disk", "path", machineHome + "/disk", "image", Sum(diskImage), "format", "raw", "size_mib", 8}
)

const diskHome = `mkdir -p ` + machineHome + ` /var/lib/eucactl/host/images
echo c10d0001 i-0000000a >` + machineHome + `/owner
`

func TestDisk(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		bare := `rm -rf /var/lib/eucalyptus /var/lib/eucactl/host/images
` + diskHome + `yes 0123456789abcde | head -c 1048576 >` + diskFile + `; : >` + diskFile + `.ok`
		h.try(kindTry{
			kindCall: diskCall,
			bare:     bare,
			states: []kindState{
				{"absent", ``},
				{"cut before", `echo half >` + machineHome + `/disk.new`},
			},
			proof: `qemu-img info --output=json -f qcow2 ` + machineHome + `/disk 2>&1 | grep -v actual-size || :; ls ` + machineHome,
		})
		h.do(`mv /usr/bin/qemu-img /usr/bin/qemu-img.hidden`)
		for _, e := range []Env{kindCheck, kindApply} {
			h.wants(diskCall, e, Failed) // it is there, but what it is cannot be told
		}
		h.do(`mv ` + machineHome + `/disk /mnt/disk`)
		h.wants(diskCall, kindApply, Failed)
		h.do(`mv /mnt/disk ` + machineHome + `/disk; mv /usr/bin/qemu-img.hidden /usr/bin/qemu-img`)
		// A larger disk is as good.
		h.do(`qemu-img resize -q ` + machineHome + `/disk 16M`)
		h.wants(diskCall, kindApply, OK)
		for _, c := range []struct{ name, script, words string }{
			{"too small", `cd ` + machineHome + `; rm disk; qemu-img create -q -f qcow2 -b ` + diskFile + ` -F raw disk 4M`, "fewer than 8 MiB; it is left alone"},
			{"another image", `cd ` + machineHome + `; rm disk; : >x; qemu-img create -q -f qcow2 -b x -F raw disk 8M`, "not an overlay"},
			{"no overlay", `cd ` + machineHome + `; rm disk; qemu-img create -q -f qcow2 disk 8M`, "not an overlay"},
			{"not qcow2", `echo precious >` + machineHome + `/disk`, "not in qcow2 format"},
			{"a dangling link", `ln -sf /nowhere ` + machineHome + `/disk`, "No such file"},
			{"no image", `rm ` + machineHome + `/disk ` + diskFile + `.ok`, "is not in the cache"},
			{"a smaller disk than the image", `: >` + diskFile + `.ok; truncate -s 9M ` + diskFile, "more than the disk's 8 MiB"},
			{"not a machine's folder", `rm ` + machineHome + `/owner`, "not the folder of a machine"},
		} {
			h.do(c.script)
			before := h.do(`cd ` + machineHome + `; ls -la --full-time . | grep disk || :; cat disk 2>/dev/null | sha256sum`)
			if w := h.wants(diskCall, kindApply, Failed); !strings.Contains(w, c.words) {
				t.Errorf("%s: %s", c.name, w)
			}
			if after := h.do(`cd ` + machineHome + `; ls -la --full-time . | grep disk || :; cat disk 2>/dev/null | sha256sum`); after != before {
				t.Errorf("%s: the disk was touched:\n%s%s", c.name, before, after)
			}
		}
	})
}

func TestDiskRefusesImageThatNamesAnotherFile(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		for name, option := range map[string]string{
			"backing": "-b /etc/passwd -F raw", "data file": "-o data_file=/mnt/data,data_file_raw=on",
		} {
			h.do(diskHome + `rm -f /mnt/data; qemu-img create -q -f qcow2 ` + option + ` ` + diskFile + ` 8M; : >` + diskFile + `.ok`)
			qcow2 := append(kindCall{}, diskCall...)
			qcow2[6] = "qcow2"
			if w := h.wants(qcow2, kindApply, Failed); !strings.Contains(w, "names another file") {
				t.Errorf("%s: %s", name, w)
			}
		}
	})
}

func TestImage(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		content := "kernel\x00image"
		image := kindCall{"image", "sum", Sum(content), "size", len(content), "upload", Sum(content)}
		p := image.program(t)
		p.Secret(content)
		file := "/var/lib/eucactl/host/images/" + Sum(content)
		run := func(want Outcome) string {
			t.Helper()
			r := h.runAll(p, kindApply)
			if len(r.Results) != 1 || r.Results[0].Outcome != want {
				t.Fatalf("want %s: %+v", want, r)
			}
			return r.Results[0].Words
		}
		proof := `cat ` + file + ` ` + file + `.ok; stat -c '%a %U %n' ` + file + ` /var/lib/eucactl /var/lib/eucactl/host /var/lib/eucactl/host/images; ls /var/lib/eucactl/host`
		h.wants(image, kindCheck, Would)
		run(Changed)
		want := h.do(proof)
		if !strings.Contains(want, "644 root "+file) || !strings.Contains(want, "711 root /var/lib/eucactl/host/images") {
			t.Errorf("QEMU's user cannot read it: %s", want)
		}
		for name, script := range map[string]string{
			"whole":        `:`,
			"without mark": `rm ` + file + `.ok`,
			"truncated":    `echo x >` + file,
			"gone":         `rm ` + file,
			"other bytes":  `printf 'kernel-imagX' >` + file + `; rm ` + file + `.ok`,
		} {
			h.do(script)
			run(map[bool]Outcome{true: OK, false: Changed}[name == "whole"])
			if got := h.do(proof); got != want {
				t.Errorf("%s: %s", name, got)
			}
			run(OK)
		}
		// Without the mark a check would ask again; a good file needs no upload.
		h.do(`rm ` + file + `.ok`)
		imageKilled(h, p, file)
		if got := h.do(proof); got != want {
			t.Errorf("after kills: %s", got)
		}
	})
}

// imageKilled cuts the program everywhere and lets it end.
func imageKilled(h *kindHost, p *Program, file string) {
	h.t.Helper()
	for n := 1; ; n++ {
		if n > 50 {
			h.t.Fatal("still killed")
		}
		h.do(`rm -f $0 $0.ok`, file)
		h.do(`echo $2 >/usr/local/kill/left; for c in $1; do
			printf '%s' "$0" >/usr/local/sbin/$c; chmod +x /usr/local/sbin/$c; done`, killShim, killCommands, strconv.Itoa(n))
		r := h.runAll(p, kindApply)
		h.do(`rm -f /usr/local/sbin/*`)
		if r.Done {
			return
		}
		if r := h.runAll(p, kindApply); len(r.Results) != 1 || r.Results[0].Outcome.Bad() {
			h.t.Fatalf("killed at %d: %+v", n, r)
		}
	}
}

func TestSeedDisk(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		p := func(content string) *Program {
			p := program(t)
			call(t, p, "seed", "path", machineHome+"/seed.img", "upload", p.Secret(content))
			return p
		}
		h.do(`mkdir -p ` + machineHome)
		r := h.runAll(p("one\x00"), kindApply)
		want(t, r, "failed")
		wantWords(t, r, "not the folder of a machine")
		h.do(diskHome)
		for _, content := range []string{"one\x00", "two\x00"} {
			want(t, h.runAll(p(content), kindCheck), "would")
			want(t, h.runAll(p(content), kindApply), "changed")
			want(t, h.runAll(p(content), kindApply), "ok")
			if got := h.do(`cd ` + machineHome + `; cat seed.img; ls; stat -c '%a %U' seed.img`); got != content+"owner\nseed.img\nseed.img.sum\n600 root\n" {
				t.Errorf("%q", got)
			}
		}
		for _, script := range []string{`rm seed.img`, `rm seed.img.sum`, `: >seed.img.sum`} {
			h.do(`cd ` + machineHome + `; ` + script)
			want(t, h.runAll(p("two\x00"), kindApply), "changed")
			want(t, h.runAll(p("two\x00"), kindApply), "ok")
		}
	})
}
