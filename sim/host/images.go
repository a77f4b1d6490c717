package host

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"eucactl/tasks"
)

// diskMark begins the file of a disk that qemu-img made; what follows is what
// qemu-img info says of it.
const diskMark = "overlay\n"

func diskText(image string, mib int) string {
	return fmt.Sprintf("%sbacking file: %s\nvirtual size: (%d bytes)\n", diskMark, image, mib<<20)
}

func checkMachineDir(p *process, args []string) int {
	dir, wanted := args[0], p.cloud+" "+args[1]
	if p.m.files.isFile(dir + "/owner") {
		if owner := p.m.files.firstLine(dir + "/owner"); owner != wanted {
			return p.words(2, fmt.Sprintf("%s belongs to %q, not to %q; nothing in it is touched", dir, owner, wanted))
		}
		return 0
	}
	for _, name := range p.m.files.children(dir) {
		if base(name) != "owner.new" {
			return p.words(2, fmt.Sprintf("%s has files but no owner: move them away, or write %q into %s/owner to give it to this cloud", dir, wanted, dir))
		}
	}
	return 1
}

func applyMachineDir(p *process, args []string) int {
	if rc := p.mkdir(args[0], 0o711); rc != 0 {
		return rc
	}
	return p.replace(args[0]+"/owner", p.cloud+" "+args[1]+"\n", 0o600)
}

func (p *process) imagePath(sum string) string { return p.hostDir + "/images/" + sum }

func checkImage(p *process, args []string) int {
	path := p.imagePath(args[0])
	return oneIf(!p.m.files.isFile(path+".ok") || strconv.Itoa(p.m.files.size(path)) != args[1])
}

func applyImage(p *process, args []string) int {
	if args[0] != args[2] {
		return p.words(2, "image "+args[0]+" is offered the upload "+args[2])
	}
	if rc := p.mkdir(p.hostDir+"/images", 0o711); rc != 0 {
		return rc
	}
	for _, dir := range []string{dirOf(p.hostDir), p.hostDir, p.hostDir + "/images"} {
		if f := p.m.files.at(dir); f != nil {
			p.chmod(dir, f.mode|0o111)
		}
	}
	path := p.imagePath(args[0])
	if text, ok := p.m.files.read(path); ok && tasks.Sum(text) == args[0] {
		p.chmod(path, 0o644)
		return p.write(path+".ok", "", 0o600)
	}
	upload, ok := p.uploaded(args[2])
	if !ok {
		return 2
	}
	p.chmod(upload, 0o644)
	if rc := p.write(path+".ok", "", 0o600); rc != 0 {
		return rc
	}
	return p.rename(upload, path)
}

// diskInfo is what qemu-img info prints of a disk.
func (p *process) diskInfo(path, format string) (backing string, bytes int, ok bool) {
	if p.dead("qemu-img") {
		p.words(1, "qemu-img: it does not work")
		return "", 0, false
	}
	text, _ := p.m.files.read(path)
	if f := p.m.files.at(path); f != nil && f.blank > 0 && format != "raw" {
		return "", 0, true // it is what it is said to be, and fits
	}
	if format == "raw" {
		return "", (max(p.m.files.size(path), 0) + 511) &^ 511, true
	}
	if info, own := strings.CutPrefix(text, diskMark); own {
		_, backing, _ = strings.Cut(info, "backing file: ")
		backing, info, _ = strings.Cut(backing, "\n")
		_, size, _ := strings.Cut(info, "(")
		size, _, _ = strings.Cut(size, " ")
		return backing, atoi(size), true
	}
	if len(text) < 32 || text[:4] != "QFI\xfb" {
		p.words(1, "qemu-img: Could not open '"+path+"': Image is not in qcow2 format")
		return "", 0, false
	}
	head := []byte(text[:min(len(text), 80)])
	if binary.BigEndian.Uint64(head[8:]) != 0 || len(head) == 80 && head[79]&4 != 0 {
		backing = "another file"
	}
	return backing, int(binary.BigEndian.Uint64(head[24:])), true
}

func checkDisk(p *process, args []string) int {
	path, image := args[0], p.imagePath(args[1])
	if !p.m.files.exists(path) {
		return 1
	}
	backing, bytes, ok := p.diskInfo(path, "qcow2")
	switch {
	case !ok:
		return 2
	case backing != image:
		return p.words(2, path+" is not an overlay of "+image+"; it is left alone")
	case bytes < atoi(args[3])<<20:
		return p.words(2, fmt.Sprintf("%s has %d bytes, fewer than %s MiB; it is left alone", path, bytes, args[3]))
	}
	return 0
}

func applyDisk(p *process, args []string) int {
	path, image := args[0], p.imagePath(args[1])
	if !p.m.files.isFile(dirOf(path) + "/owner") {
		return p.words(2, dirOf(path)+" is not the folder of a machine: it has no owner")
	}
	if !p.m.files.isFile(image) || !p.m.files.isFile(image+".ok") {
		return p.words(2, "image "+args[1]+" is not in the cache")
	}
	backing, bytes, ok := p.diskInfo(image, args[2])
	switch {
	case !ok:
		return 1
	case backing != "":
		return p.words(2, "image "+args[1]+" names another file and is not used")
	case bytes > atoi(args[3])<<20:
		return p.words(2, fmt.Sprintf("image %s has %d bytes, more than the disk's %s MiB", args[1], bytes, args[3]))
	}
	p.remove(path + ".new")
	if rc := p.write(path+".new", diskText(image, atoi(args[3])), 0o600); rc != 0 {
		return rc
	}
	return p.rename(path+".new", path)
}

func checkSeed(p *process, args []string) int {
	return oneIf(!p.m.files.isFile(args[0]) || p.m.files.firstLine(args[0]+".sum") != args[1])
}

func applySeed(p *process, args []string) int {
	path := args[0]
	if !p.m.files.isFile(dirOf(path) + "/owner") {
		return p.words(2, dirOf(path)+" is not the folder of a machine: it has no owner")
	}
	upload, ok := p.uploaded(args[1])
	if !ok {
		return 2
	}
	if rc := p.rename(upload, path+".new"); rc != 0 {
		return rc
	}
	if rc := p.rename(path+".new", path); rc != 0 {
		return rc
	}
	return p.replace(path+".sum", args[1]+"\n", 0o600)
}
