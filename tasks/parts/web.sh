# web: what kinds share that ask a web server: get_url and uri. curl does it, or GNU's
# wget, or busybox's, which knows less.

# web_start URL: for a request. Who calls it sets what differs from the usual.
web_start() {
	web_dir=$(scratch)/web.$task_n
	mkdir -p "$web_dir"
	web_out=$web_dir/out web_head=$web_dir/head web_words=$web_dir/words
	web_url=$1 web_method=GET web_headers='' web_body='' web_user='' web_password='' web_timeout=10
	web_validate=true web_proxy=true web_agent=ansible-httpget web_follow=safe web_cert='' web_key='' web_ca='' web_socket=''
	case $web_url in
	*"
"*) die "url is more than one line" ;;
	http://* | https://* | ftp://* | file://*) ;;
	*) die "url is no address of http, https, ftp or file: '$web_url'" ;;
	esac
}

# web_named HEADERS: lines of name=value as headers. Their values may be secrets.
web_named() {
	[ -z "$1" ] || web_headers=$web_headers$(printf '%s\n' "$1" | sed 's/=/: /')"
"
}

# web_ask: sends the request. What it brings is in the file web_out, the last
# answer's headers in web_head, its number in web_status, or -1 if there is none;
# web_why says what is wrong with it.
web_ask() {
	web_status=-1 web_why='' web_last=$web_url web_hops=0
	rm -f "$web_out" "$web_head" "$web_head.all" "$web_words"
	: >"$web_out"
	: >"$web_head"
	if command -v curl >/dev/null; then
		web_by_curl
	elif ! command -v wget >/dev/null; then
		die "there is neither curl nor wget here: install curl first"
	elif wget --version >/dev/null 2>&1; then
		web_by_wget
	else
		web_by_busybox
	fi
	[ "$web_method" != HEAD ] || : >"$web_out"
	case $web_status in
	-1 | 2??) ;;
	*) web_why="HTTP Error $web_status: $(sed -n 's/^HTTP[^ ]* [0-9]* *//p' "$web_head.all" | tail -n 1 | tr -d '\r')" ;;
	esac
}

# web_follows: redirections are followed.
web_follows() {
	case $web_follow in
	all | yes | true) ;;
	none | no | false) return 1 ;;
	safe | urllib2) [ "$web_method" = GET ] || [ "$web_method" = HEAD ] ;;
	*) die "follow_redirects is all, safe or none, not '$web_follow'" ;;
	esac
}

# web_quoted KEY VALUE: a line of curl's.
web_quoted() {
	[ -z "$2" ] || printf '%s = "%s"\n' "$1" "$(printf '%s' "$2" | sed 's/\\/\\\\/g; s/"/\\"/g')"
}

# Others can read the words of a command: what may be secret comes by stdin.
web_by_curl() {
	web_got=$(web_curl_config | curl -q -g -s -S -w '%{http_code} %{num_redirects} %{url_effective}' -K - 2>"$web_words") || {
		web_why=$(cat "$web_words")
		return 0
	}
	web_status=${web_got%% *}
	web_got=${web_got#* }
	web_hops=${web_got%% *} web_last=${web_got#* }
	web_heads "$web_head.all"
	# Of files and FTP there is no number.
	[ "$web_status" != 000 ] && [ "${web_url#http}" != "$web_url" ] || web_status=200
}

web_curl_config() {
	web_quoted url "$web_url"
	web_quoted output "$web_out"
	web_quoted dump-header "$web_head.all"
	web_quoted user-agent "$web_agent"
	web_quoted cert "$web_cert"
	web_quoted key "$web_key"
	web_quoted cacert "$web_ca"
	web_quoted unix-socket "$web_socket"
	[ -z "$web_user" ] || web_quoted user "$web_user:$web_password"
	printf 'connect-timeout = %s\nspeed-limit = 1\nspeed-time = %s\nmax-redirs = 10\n' "$web_timeout" "$web_timeout"
	[ "$web_validate" = true ] || echo insecure
	[ "$web_proxy" = true ] || echo 'noproxy = "*"'
	! web_follows || echo location
	[ -z "$web_body" ] || web_quoted data-binary "@$web_body"
	case $web_method in
	GET) [ -z "$web_body" ] || echo 'request = GET' ;;
	HEAD) echo head ;;
	POST) [ -n "$web_body" ] || echo 'data = ""' ;;
	*) echo "request = $web_method" ;;
	esac
	case $web_headers in
	*[Cc]ontent-[Tt]ype:*) ;;
	*) [ -z "$web_body" ] || echo 'header = "Content-Type:"' ;;
	esac
	printf '%s' "$web_headers" | while IFS= read -r web_line; do web_quoted header "$web_line"; done
}

# web_heads FILE: the headers of the last answer of several.
web_heads() {
	[ -e "$1" ] || : >"$1"
	tr -d '\r' <"$1" | awk '/^HTTP\// { text = ""; next } { text = text $0 "\n" } END { printf "%s", text }' >"$web_head"
}

web_by_wget() {
	[ -z "$web_socket" ] || die "a unix_socket needs curl: install it first"
	{
		printf '%s' "$web_headers" | sed 's/^/header = /'
		[ -z "$web_user" ] || printf 'user = %s\npassword = %s\nauth_no_challenge = on\n' "$web_user" "$web_password"
		[ "$web_validate" = true ] || echo 'check_certificate = off'
		[ "$web_proxy" = true ] || echo 'use_proxy = off'
		[ -z "$web_cert" ] || printf 'certificate = %s\nprivate_key = %s\n' "$web_cert" "${web_key:-$web_cert}"
		[ -z "$web_ca" ] || printf 'ca_certificate = %s\n' "$web_ca"
		if web_follows; then echo 'max_redirect = 10'; else echo 'max_redirect = 0'; fi
		printf 'user_agent = %s\ntimeout = %s\ncontent_on_error = on\n' "$web_agent" "$web_timeout"
		# What changes nothing may be asked again, if the connection breaks.
		case $web_method in GET | HEAD) printf 'tries = 2\nwaitretry = 1\n' ;; *) echo 'tries = 1' ;; esac
	} >"$web_dir/rc"
	set -- --config="$web_dir/rc" -S -O "$web_out" --method="$web_method"
	[ -z "$web_body" ] || set -- "$@" --body-file="$web_body"
	wget "$@" -- "$web_url" 2>"$web_words" || :
	web_said
}

web_by_busybox() {
	if [ -n "$web_headers$web_user$web_cert$web_ca$web_socket" ] || ! web_follows || [ "$web_validate" != true ]; then
		die "busybox's wget can neither hide what is secret, nor check certificates of one's own, nor stop at a redirection: install curl first"
	fi
	set -- -S -O "$web_out" -U "$web_agent"
	case $web_method in
	GET) [ -z "$web_body" ] || die "busybox's wget cannot GET with a body: install curl first" ;;
	HEAD) set -- -S --spider -U "$web_agent" ;;
	*) die "busybox's wget knows GET and HEAD, not $web_method: install curl first" ;;
	esac
	[ "$web_proxy" = true ] || set -- "$@" -Y off
	wget "$@" "$web_url" 2>"$web_words" || :
	web_said
}

# web_said: what wget tells of the answers, two blanks in front of each header. busybox
# tells an error in its own words, and then no header.
web_said() {
	sed -n -e 's/^  //p' -e 's/^wget: server returned error: //p' "$web_words" >"$web_head.all"
	web_status=$(sed -n 's/^HTTP\/[0-9.]* \([0-9][0-9][0-9]\).*/\1/p' "$web_head.all" | tail -n 1)
	web_to=$(sed -n 's/^[Ll]ocation: *//p' "$web_head.all" | tail -n 1 | tr -d '\r')
	if [ -n "$web_to" ] && web_follows; then
		web_hops=1 web_last=$web_to
		case $web_to in
		/*) web_last=$(printf '%s' "$web_url" | sed 's#^\([a-z]*://[^/]*\).*#\1#')$web_to ;;
		esac
	fi
	web_heads "$web_head.all"
	case $web_status in
	'') ;;
	30[12378]) # one that it followed, to where nothing answered
		[ -n "$web_to" ] && web_follows || return 0
		;;
	*) return 0 ;;
	esac
	web_status=-1 web_why=$(tail -n 1 "$web_words")
}

# web_header NAME: its value in the last answer.
web_header() {
	awk -v name="$1" '{ n = $0; sub(/:.*/, "", n) } tolower(n) == name { sub(/^[^:]*:[ \t]*/, ""); v = $0 } END { printf "%s", v }' "$web_head"
}

# web_name: what the answer's file is called: its Content-Disposition, or the address.
web_name() {
	web_called=$(web_header content-disposition | sed -n 's/.*filename="\{0,1\}\([^";]*\).*/\1/p')
	if [ -z "$web_called" ]; then
		web_called=${web_last%%[?#]*}
		web_called=${web_called#*://}
		case $web_called in */*) web_called=${web_called##*/} ;; *) web_called='' ;; esac
	fi
	web_called=${web_called##*/}
	case $web_called in '' | . | ..) web_called=index.html ;; esac
}
