# get_url url dest checksum? force=false headers{}? timeout=10 validate_certs=true use_proxy=true url_username|username? url_password|password? force_basic_auth=false http_agent=ansible-httpget client_cert? client_key? backup=false mode? owner? group?
# with: attrs put web
#
# A file from a web server, fetched by the host itself: Ansible's get_url. It is done
# with curl, or with wget.
#
#   url            http, https, ftp or file
#   dest           the file; a folder gets a file of the name that the server or the
#                  address gives
#   checksum       ALGORITHM:SUM (md5, sha1, sha224, sha256, sha384 or sha512), or the
#                  address of a list of sums in place of SUM. A file that has it is not
#                  fetched again, one that comes with another is not kept
#   force          true: it is always fetched and compared. false: the server is asked
#                  whether it is newer than the one here
#   headers        a mapping
#   timeout        seconds that nothing may come
#   validate_certs false: whoever the server is
#   use_proxy      false: whatever the environment says
#   url_username (username), url_password (password), force_basic_auth
#   http_agent     what we call ourselves
#   client_cert, client_key
#   backup         keeps the old file as NAME.PID.TIME~
#   mode, owner, group
#                  as those of the kind file
#
# Results: url, dest, status_code, msg, checksum_src (sha1), mode, owner, group, uid,
# gid, size, state, backup_file.
# Example: get_url: { url: "https://example.org/app.tgz", dest: /srv/, checksum: "sha256:9f86d0..." }
# Differs from Ansible: tmp_dest, ciphers, decompress, unredirected_headers, use_gssapi
# and use_netrc cannot be told. In check mode a file that is there already is fetched, but
# not kept, and compared, and a folder that is absent (an earlier task may make it) is no
# error. A mode and an owner are set also if the content is the same; if the sum is
# another, the old file stays. A name and password are always sent at once. busybox's
# wget cannot send headers.

# get_start ARGUMENTS
get_start() {
	umask 022
	web_start "$1"
	get_sum=$3 get_force=$4
	web_named "$5"
	web_timeout=$6 web_validate=$7 web_proxy=$8 web_user=$9 web_password=${10}
	web_agent=${12} web_cert=${13} web_key=${14}
	get_backup=${15} get_mode=${16} get_owner=${17} get_group=${18}
	case $2 in */) get_folder=yes ;; *) get_folder='' ;; esac
	attrs_path "$2"
	attrs_follow "${attrs_path%/}"
	get_dest=$attrs_path
	if [ -d "$get_dest/" ]; then
		get_folder=yes
	elif [ -n "$get_folder" ]; then
		die "the folder $get_dest does not exist"
	fi
	get_algorithm=''
	[ -z "$get_sum" ] || get_start_sum
}

get_start_sum() {
	get_algorithm=${get_sum%%:*}
	case $get_algorithm in
	md5 | sha1 | sha224 | sha256 | sha384 | sha512) ;;
	*) die "checksum is md5, sha1, sha224, sha256, sha384 or sha512, a colon and the sum, not '$get_sum'" ;;
	esac
	command -v "${get_algorithm}sum" >/dev/null || die "there is no ${get_algorithm}sum here"
	get_sum=$(printf '%s' "${get_sum#*:}" | sed 's/^ *//')
	case $get_sum in
	*://*) get_listed ;;
	*) get_sum=$(printf '%s' "$get_sum" | tr '[:upper:]' '[:lower:]' | tr -cd '[:alnum:]') ;;
	esac
	case $get_sum in '' | *[!0-9a-f]*) die "the sum in checksum has other characters than 0-9 and a-f: $get_sum" ;; esac
}

# get_listed: the sum of our file in a list of them, or the only one in it. It is
# fetched once for check and apply.
get_listed() {
	if [ ! -s "$web_dir/listed" ]; then
		get_url=$web_url web_url=$get_sum
		web_ask
		[ "$web_status" = 200 ] || die "cannot fetch the list of sums $get_sum: $web_why"
		web_url=$get_url web_last=$get_url
		: >"$web_head"
		web_name
		get_name=$web_called awk '
			{ sub(/\r$/, ""); if (NF) n++; only = $1 }
			{ f = $2; sub(/^\*/, "", f); sub(/^.*\//, "", f); if (NF > 1 && f == ENVIRON["get_name"]) sum = $1 }
			END { print sum != "" ? sum : n == 1 ? only : "" }' "$web_out" | grep . >"$web_dir/listed" ||
			die "there is no sum of $web_called in $get_sum"
	fi
	get_sum=$(tr '[:upper:]' '[:lower:]' <"$web_dir/listed")
}

# get_sum_is FILE: it has the sum that is wanted.
get_sum_is() {
	get_is=$("${get_algorithm}sum" <"$1") || die "cannot read $1"
	get_is=${get_is%% *}
	[ "$get_is" = "$get_sum" ]
}

# get_it: fetches it, unless the server says that the one here is new enough.
get_it() {
	get_since=''
	if [ "$get_force" != true ] && [ -z "$get_algorithm" ] && [ -z "$get_folder" ] && [ -e "$get_dest" ]; then
		get_if_newer
	fi
	web_ask
	result status_code "$web_status"
	case $web_status in
	200 | 206) ;;
	304) [ -n "$get_since" ] || die "the server says 304 without being asked" ;;
	*) die "request failed: $web_why" ;;
	esac
}

# get_if_newer: busybox's wget, to which nothing can be said, fetches it to compare.
get_if_newer() {
	command -v curl >/dev/null || wget --version >/dev/null 2>&1 || return 0
	get_since=$(date -u -r "$get_dest" '+%a, %d %b %Y %H:%M:%S GMT')
	web_headers="${web_headers}If-Modified-Since: $get_since
"
}

# get_named: the name in the folder, after the answer.
get_named() {
	[ -n "$get_folder" ] || return 0
	web_name
	get_dest=${get_dest%/}/$web_called
}

get_results() {
	result url "$web_url"
	attrs_look "$get_dest"
	attrs_results dest "$get_dest"
}

check_get_url() {
	get_start "$@"
	result dest "$get_dest"
	if attrs_done; then
		get_dest=$(cat "$web_dir/dest")
		get_results
		attrs_same "$get_mode" "$get_owner" "$get_group"
		return
	fi
	if [ -z "$get_folder" ] && [ ! -e "$get_dest" ]; then
		get_absent
		return 1
	fi
	if [ -z "$get_folder" ] && [ -n "$get_algorithm" ] && [ "$get_force" != true ] && get_sum_is "$get_dest"; then
		get_results
		result msg "file already exists"
		attrs_same "$get_mode" "$get_owner" "$get_group"
		return
	fi
	get_it
	get_named
	get_results
	# apply takes it as it came.
	printf '%s\n' "$web_status" >"$web_dir/have"
	printf '%s' "$get_dest" >"$web_dir/dest"
	if [ "$web_status" != 304 ]; then
		[ -e "$get_dest" ] || return 1
		cmp -s "$web_out" "$get_dest" || return 1
	fi
	attrs_same "$get_mode" "$get_owner" "$get_group"
}

# get_absent: it has to come; in check mode the server only says whether it has it.
get_absent() {
	[ -d "${get_dest%/*}/" ] || [ -n "$task_check" ] || die "the folder ${get_dest%/*} does not exist"
	[ -n "$task_check" ] || return 0
	web_method=HEAD
	get_it
}

apply_get_url() {
	get_start "$@"
	if [ -s "$web_dir/have" ]; then
		web_status=$(cat "$web_dir/have") get_dest=$(cat "$web_dir/dest")
	elif [ -z "$get_folder" ] && [ -e "$get_dest" ]; then
		web_status=304 # only its mode or owner differs
	else
		get_it
		get_named
	fi
	printf '%s' "$get_dest" >"$web_dir/dest"
	attrs_remember
	if [ "$web_status" = 304 ] || cmp -s "$web_out" "$get_dest"; then
		attrs_make "$get_dest" "$get_mode" "$get_owner" "$get_group"
		return
	fi
	if [ -n "$get_algorithm" ] && ! get_sum_is "$web_out"; then
		die "the checksum for $get_dest did not match $get_sum; it was $get_is"
	fi
	get_is=$(sha1sum <"$web_out")
	result checksum_src "${get_is%% *}"
	result msg "OK ($(wc -c <"$web_out" | tr -d ' ') bytes)"
	put_start "$get_dest"
	cat "$web_out" >&4
	put_end "$get_mode" "$get_owner" "$get_group" "$get_backup" ''
}
