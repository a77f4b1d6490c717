package facts

import (
	"strconv"
	"strings"
)

// setupHardware asks what a host is made of.
func setupHardware() []setupPart {
	return []setupPart{
		{name: "cpu", names: []string{"processor", "processor_count", "processor_cores", "processor_threads_per_core", "processor_vcpus", "processor_nproc"},
			script: `cat /proc/cpuinfo; echo "nproc : $(nproc)"`, read: readCPU},
		{name: "memory", names: []string{"memtotal_mb", "memfree_mb", "swaptotal_mb", "swapfree_mb", "memory_mb"},
			script: `cat /proc/meminfo`, read: readMemory},
		{name: "uptime", names: []string{"uptime_seconds", "loadavg"}, script: `cat /proc/uptime /proc/loadavg`, read: readUptime},
		{name: "mounts", names: []string{"mounts"}, script: `cat /proc/mounts; echo "== df"; df -kP; echo "== dfi"; df -iP`, read: readMounts},
		{name: "dmi", names: []string{"product_name", "product_version", "product_serial", "product_uuid", "system_vendor", "bios_version",
			"bios_date", "bios_vendor", "board_name", "board_vendor", "board_serial", "chassis_vendor", "form_factor"},
			script: `for name in product_name product_version product_serial product_uuid sys_vendor bios_version bios_date bios_vendor board_name board_vendor board_serial chassis_vendor; do
	echo "$name=$(cat /sys/class/dmi/id/$name)"
done`, read: readDMI},
		{name: "devices", names: []string{"devices"}, script: `for dir in /sys/block/*; do
	name=${dir##*/}
	case $name in ram*|loop*|zram*) continue ;; esac
	echo "disk=$name=$(cat "$dir/size")=$(cat "$dir/removable")=$(cat "$dir/queue/rotational")=$(cat "$dir/device/vendor")=$(cat "$dir/device/model")"
	for part in "$dir/$name"*; do
		[ ! -d "$part" ] || echo "part=$name=${part##*/}=$(cat "$part/size")=$(cat "$part/start")"
	done
done`, read: readDevices},
	}
}

func readCPU(text string, out map[string]any) {
	processors := []any{}
	sockets, threads := map[string]bool{}, int64(0)
	cores, siblings := int64(1), int64(1)
	index, vendor := "", ""
	keyed(text, ":", func(key, value string) {
		n, _ := strconv.ParseInt(value, 10, 64)
		switch key {
		case "processor":
			index = value
			threads++
			processors = append(processors, index)
		case "vendor_id":
			vendor = value
			processors = append(processors, vendor)
		case "model name":
			processors = append(processors, value)
		case "physical id":
			sockets[value] = true
		case "cpu cores":
			cores = n
		case "siblings":
			siblings = n
		case "nproc":
			out["processor_nproc"] = n
		}
	})
	if threads == 0 {
		return
	}
	count := int64(len(sockets))
	if count == 0 {
		count, cores, siblings = threads, 1, 1
	}
	out["processor"], out["processor_count"], out["processor_cores"] = processors, count, cores
	out["processor_threads_per_core"] = max(siblings/max(cores, 1), 1)
	out["processor_vcpus"] = threads
}

func readMemory(text string, out map[string]any) {
	kb := map[string]int64{}
	keyed(text, ":", func(key, value string) {
		n, err := strconv.ParseInt(strings.TrimSuffix(value, " kB"), 10, 64)
		if err == nil {
			kb[key] = n
		}
	})
	for name, key := range map[string]string{"memtotal_mb": "MemTotal", "memfree_mb": "MemFree", "swaptotal_mb": "SwapTotal", "swapfree_mb": "SwapFree"} {
		out[name] = kb[key] / 1024
	}
	free := (kb["MemFree"] + kb["Cached"] + kb["Buffers"]) / 1024
	total := kb["MemTotal"] / 1024
	out["memory_mb"] = map[string]any{
		"real":    map[string]any{"total": total, "used": total - kb["MemFree"]/1024, "free": kb["MemFree"] / 1024},
		"nocache": map[string]any{"free": free, "used": total - free},
		"swap": map[string]any{"total": kb["SwapTotal"] / 1024, "free": kb["SwapFree"] / 1024,
			"used": (kb["SwapTotal"] - kb["SwapFree"]) / 1024, "cached": kb["SwapCached"] / 1024},
	}
}

func readUptime(text string, out map[string]any) {
	l := setupLines(text)
	if len(l) < 2 {
		return
	}
	f, _ := strconv.ParseFloat(strings.Fields(l[0])[0], 64)
	out["uptime_seconds"] = int64(f)
	load := map[string]any{}
	for i, name := range []string{"1m", "5m", "15m"} {
		if words := strings.Fields(l[1]); i < len(words) {
			load[name], _ = strconv.ParseFloat(words[i], 64)
		}
	}
	out["loadavg"] = load
}

func readMounts(text string, out map[string]any) {
	mounts, rest, _ := strings.Cut(text, "== df\n")
	blocks, inodes, _ := strings.Cut(rest, "== dfi\n")
	sizes := columns(blocks)
	counts := columns(inodes)
	all := []any{}
	for _, line := range setupLines(mounts) {
		w := strings.Fields(line)
		if len(w) < 4 || !strings.HasPrefix(w[0], "/") && w[2] != "nfs" && w[2] != "nfs4" && !strings.Contains(w[0], ":/") {
			continue
		}
		path := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(w[1])
		m := map[string]any{"device": w[0], "mount": path, "fstype": w[2], "options": w[3], "uuid": "N/A"}
		if c, ok := sizes[path]; ok {
			m["size_total"], m["size_available"] = c[0]*1024, c[2]*1024
			m["block_size"], m["block_total"], m["block_available"], m["block_used"] = int64(1024), c[0], c[2], c[1]
		}
		if c, ok := counts[path]; ok {
			m["inode_total"], m["inode_used"], m["inode_available"] = c[0], c[1], c[2]
		}
		all = append(all, m)
	}
	out["mounts"] = all
}

// columns reads df -P: total, used and free, by mount point.
func columns(text string) map[string][3]int64 {
	out := map[string][3]int64{}
	for _, line := range setupLines(text) {
		w := strings.Fields(line)
		if len(w) < 6 {
			continue
		}
		var n [3]int64
		for i := range n {
			n[i], _ = strconv.ParseInt(w[i+1], 10, 64)
		}
		out[strings.Join(w[5:], " ")] = n
	}
	return out
}

func readDMI(text string, out map[string]any) {
	keyed(text, "=", func(key, value string) {
		if key == "sys_vendor" {
			key = "system_vendor"
		}
		if value == "" {
			value = "NA"
		}
		out[key] = value
	})
	out["form_factor"] = "NA"
}

func readDevices(text string, out map[string]any) {
	all := map[string]any{}
	for _, line := range setupLines(text) {
		w := strings.Split(line, "=")
		switch {
		case w[0] == "disk" && len(w) >= 7:
			all[w[1]] = map[string]any{
				"sectors": w[2], "size": humanSectors(w[2]), "removable": w[3], "rotational": w[4], "vendor": orNil(w[5]), "model": orNil(w[6]),
				"partitions": map[string]any{}, "sectorsize": "512", "holders": []any{}, "links": map[string]any{"ids": []any{}, "labels": []any{}, "masters": []any{}, "uuids": []any{}},
			}
		case w[0] == "part" && len(w) >= 5:
			if disk, ok := all[w[1]].(map[string]any); ok {
				parts, _ := disk["partitions"].(map[string]any)
				parts[w[2]] = map[string]any{"sectors": w[3], "size": humanSectors(w[3]), "start": w[4], "sectorsize": int64(512), "uuid": nil, "holders": []any{}}
			}
		}
	}
	out["devices"] = all
}

func orNil(s string) any {
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	return s
}

// humanSectors is a size as Ansible spells it: 20.00 GB.
func humanSectors(sectors string) string {
	n, _ := strconv.ParseFloat(sectors, 64)
	bytes := n * 512
	for _, unit := range []struct {
		name string
		size float64
	}{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}} {
		if bytes >= unit.size {
			return strconv.FormatFloat(bytes/unit.size, 'f', 2, 64) + " " + unit.name
		}
	}
	return strconv.FormatFloat(bytes, 'f', 2, 64) + " Bytes"
}
