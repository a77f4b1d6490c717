# stats: what stat tells of files, as JSON with Ansible's names.

# stats_format: the line that stat prints for each. A name may contain anything,
# but not what begins a line.
stats_format="$MARK|%a|%F|%u|%g|%s|%i|%d|%h|%X|%Y|%Z|%U|%G|%n"

# stats_list MORE [COUNTS]: such lines, from stdin, as the items of a JSON list. MORE
# is awk's function keep(), which decides of each whether it counts; with COUNTS, how
# many were kept and seen follow in a line.
stats_list() {
	stats_mark=$MARK stats_counts=${2-} awk "$stats_quote$stats_awk$1"
}

# stats_text VALUE: as JSON.
stats_text() {
	stats_value=$1 awk "$stats_quote"'BEGIN { printf "%s", text(ENVIRON["stats_value"]) }'
}

# stats_texts: lines, from stdin, as a JSON list.
stats_texts() {
	awk "$stats_quote"'BEGIN { printf "[" } { printf "%s%s", (NR > 1 ? ", " : ""), text($0) } END { printf "]" }'
}

# shellcheck disable=SC2016 # of awk's
stats_quote='
function text(s,   i, c) {
	gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); gsub(/\n/, "\\n", s); gsub(/\t/, "\\t", s); gsub(/\r/, "\\r", s)
	if (s ~ /[\001-\037]/)
		for (i = 1; i < 32; i++) { c = sprintf("%c", i); if (index(s, c)) gsub(c, sprintf("\\u%04x", i), s) }
	return "\"" s "\""
}
'
# shellcheck disable=SC2016 # of awk's
stats_awk='
function yes(x) { return x ? "true" : "false" }
function bit(digit, n) { return yes(int(digit / n) % 2) }
function flush(   m, special, u, g, o) {
	if (!have) return
	m = f[2]; while (length(m) < 4) m = "0" m
	mode = m; type = f[3]; uid = f[4]; gid = f[5]; size = f[6]; atime = f[10]; mtime = f[11]; ctime = f[12]
	special = substr(m, 1, 1); u = substr(m, 2, 1); g = substr(m, 3, 1); o = substr(m, 4, 1)
	have = 0; seen++
	if (!keep()) return
	printf "%s{\"path\":%s,\"mode\":\"%s\",\"isdir\":%s,\"ischr\":%s,\"isblk\":%s,\"isreg\":%s,\"isfifo\":%s,\"islnk\":%s,\"issock\":%s", \
		kept++ ? "," : "", text(path), m, yes(type == "directory"), yes(type ~ /^character/), yes(type ~ /^block/), yes(type ~ /^regular/), yes(type == "fifo"), yes(type == "symbolic link"), yes(type == "socket")
	printf ",\"uid\":%s,\"gid\":%s,\"size\":%s,\"inode\":%s,\"dev\":%s,\"nlink\":%s,\"atime\":%s,\"mtime\":%s,\"ctime\":%s,\"pw_name\":%s,\"gr_name\":%s", \
		uid, gid, size, f[7], f[8], f[9], atime, mtime, ctime, text(f[13]), text(f[14])
	printf ",\"rusr\":%s,\"wusr\":%s,\"xusr\":%s,\"rgrp\":%s,\"wgrp\":%s,\"xgrp\":%s,\"roth\":%s,\"woth\":%s,\"xoth\":%s,\"isuid\":%s,\"isgid\":%s%s}", \
		bit(u, 4), bit(u, 2), bit(u, 1), bit(g, 4), bit(g, 2), bit(g, 1), bit(o, 4), bit(o, 2), bit(o, 1), bit(special, 4), bit(special, 2), sum == "" ? "" : ",\"checksum\":\"" sum "\""
	sum = ""
}
BEGIN { mark = ENVIRON["stats_mark"] }
index($0, mark "|") == 1 {
	flush()
	split($0, f, "|"); path = $0
	for (i = 1; i <= 14; i++) path = substr(path, index(path, "|") + 1)
	have = 1
	next
}
index($0, mark " sum ") == 1 { flush(); sum = substr($0, length(mark) + 6); next }
{ path = path "\n" $0 }
END { flush(); if (ENVIRON["stats_counts"] != "") printf "\n%d %d", kept, seen }
'
