# json: JSON in awk.

# json_awk PROGRAM [FILE]: awk, with json(TEXT), which is TEXT as JSON writes it; mapping(),
# which prints all that put(NAME, JSON) put, the first NAME first; and json_word(), which
# is the text, number or word that begins at json_at of json_text: json_at goes behind
# it, and json_bare tells that it was no text. It reads JSON as the controller writes it.
json_awk() {
	json_program='
	BEGIN {
		for (json_i = 1; json_i < 32; json_i++) json_code[sprintf("%c", json_i)] = sprintf("\\u%04x", json_i)
		json_escape["n"] = "\n"; json_escape["t"] = "\t"; json_escape["r"] = "\r"; json_escape["b"] = "\b"; json_escape["f"] = "\f"
		json_at = 1
	}
	function json_hex(h, i, n) {
		for (i = 1; i <= length(h); i++) n = n * 16 + index("0123456789abcdef", tolower(substr(h, i, 1))) - 1
		return n
	}
	function json_utf8(n) {
		if (n < 128) return sprintf("%c", n)
		if (n < 2048) return sprintf("%c%c", 192 + int(n / 64), 128 + n % 64)
		return sprintf("%c%c%c", 224 + int(n / 4096), 128 + int(n / 64) % 64, 128 + n % 64)
	}
	function json_word(c, w) {
		json_bare = substr(json_text, json_at, 1) != "\""
		if (json_bare) {
			while (json_at <= length(json_text) && index("],:}", c = substr(json_text, json_at, 1)) == 0) { w = w c; json_at++ }
			return w
		}
		for (json_at++; json_at <= length(json_text); json_at++) {
			c = substr(json_text, json_at, 1)
			if (c == "\"") { json_at++; break }
			if (c == "\\") {
				c = substr(json_text, ++json_at, 1)
				if (c == "u") { c = json_utf8(json_hex(substr(json_text, json_at + 1, 4))); json_at += 4 }
				else if (c in json_escape) c = json_escape[c]
			}
			w = w c
		}
		return w
	}
	function json(w, i, c, out) {
		if (w !~ /["\\\001-\037]/) return "\"" w "\""
		for (i = 1; i <= length(w); i++) {
			c = substr(w, i, 1)
			if (c == "\"" || c == "\\") c = "\\" c
			else if (c in json_code) c = json_code[c]
			out = out c
		}
		return "\"" out "\""
	}
	function put(name, value) {
		if (!(name in json_of)) json_name[++json_count] = name
		json_of[name] = value
	}
	function mapping(i) {
		printf "{"
		for (i = 1; i <= json_count; i++) printf "%s%s: %s", (i > 1 ? ", " : ""), json(json_name[i]), json_of[json_name[i]]
		printf "}"
	}
	'$1
	shift
	awk "$json_program" "$@"
}
