# json: mappings of JSON, for the kinds that give facts.

# json_awk PROGRAM [FILE]: awk, with json(TEXT), which is TEXT as JSON writes it, and
# mapping(), which prints all that put(NAME, JSON) put, the first NAME first.
json_awk() {
	json_program='
	BEGIN { for (json_i = 1; json_i < 32; json_i++) json_code[sprintf("%c", json_i)] = sprintf("\\u%04x", json_i) }
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
