# uri url method=GET body@? body_format=raw src? remote_src=false headers{}? status_code[]=200 return_content=false dest? creates? removes? follow_redirects=safe timeout=30 validate_certs=true use_proxy=true url_username|user? url_password|password? force_basic_auth=false http_agent=ansible-httpget client_cert? client_key? ca_path? unix_socket? mode? owner? group? force=false
# with: attrs put run web json
#
# A request to a web server, made by the host itself: Ansible's uri. It is made with
# curl, or with wget.
#
#   url           http or https
#   method        GET, POST, PUT, DELETE, PATCH, HEAD and others
#   body          what is sent
#   body_format   raw: a text. json: anything; a text is json already. form-urlencoded:
#                 a mapping, or a list of pairs
#   src           with remote_src=true: a file of the host's that is sent
#   headers       a mapping
#   status_code   what it must be answered with: a number, or a list
#   return_content  the content is a field of the result, and json if it is that
#   dest          the content is written to this file, or into this folder
#   creates, removes  a file, or a pattern: where one exists, or none, nothing is done
#   follow_redirects  safe: GET and HEAD are sent on. all. none
#   timeout       seconds that nothing may come
#   validate_certs, use_proxy, url_username (user), url_password (password),
#   force_basic_auth, http_agent, client_cert, client_key
#                 as those of the kind get_url
#   ca_path       certificates of who signs servers'
#   unix_socket   a socket to connect to
#   force         no cache on the way may answer
#   mode, owner, group  of dest, as those of the kind file
#
# Results: status, url, redirected, msg, content, json, cookies, cookies_string, path,
# and the headers of the answer: content_type, location and so on.
#
#     - uri: { url: "http://localhost:8080/health", return_content: true }
#       register: health
#       until: health.json.ok
#
# It changes something only if it writes dest. It is not made in check mode, and what
# it would change is unknown.
# Differs from Ansible: form-multipart is not known, nor are ciphers, decompress,
# unredirected_headers, use_gssapi and use_netrc; a name and password are always sent at
# once; src is a file of the host's, with remote_src=true; a dest that is there is
# compared with what comes. busybox's wget knows only GET and HEAD.

check_uri() {
	case $4 in
	raw | json | form-urlencoded) ;;
	*) die "body_format is raw, json or form-urlencoded, not '$4'" ;;
	esac
	[ -z "$5" ] || [ "$6" = true ] || die "src is a file of this host: remote_src=true says so; for one of the controller's write body: \"{{ lookup('file', ...) }}\""
	[ -z "$3" ] || [ -z "$5" ] || die "body and src exclude each other"
	case $2 in
	'' | *[!A-Za-z]*) die "method is a word, not '$2'" ;;
	esac
	web_start "$1"
	uri_rc=0
	run_due '' "${11}" "${12}" || uri_rc=$?
	[ $uri_rc = 0 ] || return 10
}

apply_uri() {
	umask 022
	web_start "$1"
	web_method=$(printf '%s' "$2" | tr '[:lower:]' '[:upper:]')
	web_named "$7"
	[ "${28}" != true ] || web_named Cache-Control=no-cache
	web_follow=${13} web_timeout=${14} web_validate=${15} web_proxy=${16}
	web_user=${17} web_password=${18} web_agent=${20} web_cert=${21} web_key=${22} web_ca=${23} web_socket=${24}
	if [ -n "$5" ]; then
		attrs_path "$5"
		[ -f "$attrs_path" ] || die "src, $attrs_path, is no file"
		web_body=$attrs_path
	elif [ -n "$3" ]; then
		uri_body "$3" "$4"
	fi
	web_ask
	uri_headers
	uri_tell "$8" "$9"
	[ -n "${10}" ] || return 10
	uri_keep "${10}" "${25}" "${26}" "${27}"
}

# uri_tell STATUSES RETURN_CONTENT: the answer, which must have one of these numbers.
uri_tell() {
	result url "$web_last"
	result status "$web_status"
	uri_hops=false
	[ "$web_hops" = 0 ] || uri_hops=true
	result redirected_json "$uri_hops"
	[ "$2" != true ] || uri_said
	: "${web_why:=OK ($(uri_length))}"
	for uri_one in $1; do
		[ "$uri_one" != "$web_status" ] || uri_one=good
		[ "$uri_one" != good ] || break
	done
	if [ "$uri_one" != good ]; then
		web_why="Status code was $web_status and not [$(printf '%s' "$1" | tr '\n' ',' | sed 's/,/, /g')]: $web_why"
		result msg "$web_why"
		die "$web_why"
	fi
	result msg "$web_why"
}

uri_length() {
	uri_bytes=$(web_header content-length)
	printf '%s bytes' "${uri_bytes:-unknown}"
}

# uri_body BODY FORMAT: into a file, and the header that says what it is.
uri_body() {
	web_body=$web_dir/body uri_type=''
	case $2 in
	json) uri_type=application/json ;;
	form-urlencoded) uri_type=application/x-www-form-urlencoded ;;
	esac
	case $2:$1 in
	*:\"*) printf '%s' "$1" | uri_json text >"$web_body" ;;
	form-urlencoded:*)
		printf '%s' "$1" | uri_json form >"$web_body" || die "body is neither a mapping nor a list of pairs"
		;;
	*) printf '%s' "$1" >"$web_body" ;;
	esac
	case $web_headers in
	*[Cc]ontent-[Tt]ype:*) ;;
	*) [ -z "$uri_type" ] || web_named "Content-Type=$uri_type" ;;
	esac
}

# uri_json MODE: reads JSON as the controller writes it. text: a text itself. form: a
# mapping, or pairs, for an address.
uri_json() {
	json_awk '
	# word: as Python writes it.
	function word(w) {
		w = json_word()
		return !json_bare ? w : w == "null" ? "None" : w == "true" ? "True" : w == "false" ? "False" : w
	}
	function here() { return substr(json_text, json_at, 1) }
	function coded(s, i, c, out) {
		for (i = 1; i <= length(s); i++) {
			c = substr(s, i, 1)
			out = out (c ~ /[A-Za-z0-9_.~-]/ ? c : c == " " ? "+" : sprintf("%%%02X", code[c]))
		}
		return out
	}
	function pair(name, value) { form = form (form == "" ? "" : "&") coded(name) "=" coded(value) }
	function opens(c) { return c == "[" || c == "{" }
	# values NAME: one, or a list of them.
	function values(name) {
		if (here() != "[") {
			if (opens(here())) exit bad = 2
			pair(name, word())
			return
		}
		for (json_at++; here() != "]" && json_at <= length(json_text);) {
			if (opens(here())) exit bad = 2
			pair(name, word())
			if (here() == ",") json_at++
		}
		json_at++
	}
	BEGIN { for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i }
	{ json_text = json_text (NR > 1 ? "\n" : "") $0 }
	END {
		if (mode == "text") { printf "%s", word(); exit }
		first = here(); json_at++
		if (!opens(first)) exit 2
		while (index("]}", here()) == 0 && json_at <= length(json_text)) {
			if (first == "[") {
				if (here() != "[") exit 2
				json_at++
			}
			name = word(); json_at++
			values(name)
			if (bad) exit bad
			if (first == "[") json_at++
			if (here() == ",") json_at++
		}
		printf "%s", form
	}' mode="$1" -
}

# uri_headers: the answer's, as fields. What they are called is the server's word: it
# cannot say that something failed.
uri_headers() {
	awk '{ n = $0; sub(/:.*/, "", n); sub(/^[^:]*:[ \t]*/, ""); n = tolower(n); gsub(/-/, "_", n)
		if (n ~ /^[a-z][a-z0-9_]*$/ && n !~ /_json$/) { if (seen[n]++) v[n] = v[n] ", " $0; else { order[++k] = n; v[n] = $0 } } }
		END { for (i = 1; i <= k; i++) print order[i] " " v[order[i]] }' "$web_head" | while IFS= read -r uri_one; do
		case ${uri_one%% *} in
		changed | failed | skipped | unreachable | rc | stdout | stderr | diff | results | msg | attempts | timedout) ;;
		content | json | path | warnings | deprecations | ansible_facts | exception) ;;
		*) result "${uri_one%% *}" "${uri_one#* }" ;;
		esac
	done
	uri_cookies=$(awk '
	function json(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); gsub(/[\001-\037]/, "", s); return "\"" s "\"" }
	tolower($0) ~ /^set-cookie:/ {
		sub(/^[^:]*:[ \t]*/, ""); sub(/;.*/, "")
		n = $0; sub(/=.*/, "", n); sub(/^[^=]*=/, "")
		all = all (all == "" ? "" : ", ") json(n) ": " json($0); text = text (text == "" ? "" : "; ") n "=" $0
	}
	END { print "{" all "}"; print text "." }' "$web_head")
	result cookies_json "${uri_cookies%%
*}"
	uri_cookies=${uri_cookies#*
}
	result cookies_string "${uri_cookies%.}"
}

# uri_said: the content, and what it means if it is JSON.
uri_said() {
	result_begin content
	cat "$web_out"
	result_end content
	case $(web_header content-type) in
	*json* | *javascript*) ;;
	*) return 0 ;;
	esac
	result_begin json_json
	cat "$web_out"
	result_end json_json
}

# uri_keep DEST MODE OWNER GROUP: the content into a file.
uri_keep() {
	attrs_path "$1"
	uri_dest=$attrs_path
	if [ -d "$uri_dest/" ]; then
		web_name
		uri_dest=${uri_dest%/}/$web_called
	fi
	result path "$uri_dest"
	if [ -f "$uri_dest" ] && cmp -s "$web_out" "$uri_dest"; then
		attrs_look "$uri_dest" -L
		if attrs_same "$2" "$3" "$4"; then return 10; fi
		attrs_make "$uri_dest" "$2" "$3" "$4"
		return
	fi
	put_start "$uri_dest"
	cat "$web_out" >&4
	put_end "$2" "$3" "$4" false ''
}
