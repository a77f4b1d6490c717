# getent database key? split? fail_key=true service?
# with: json
#
# What the host's name service knows: users, groups, hosts, services, ...
#
#   database  passwd, group, shadow, hosts, services, protocols, ...
#   key       one entry of it; without it all
#   split     what separates the fields of an entry; else a colon in passwd,
#             shadow, group and gshadow, and blanks in the others
#   fail_key  a key that is not there is an error; false: its value is null
#   service   ask this service only (getent -s)
#
# Never:    changes anything. It runs in check mode too.
#
# Results: the fact getent_DATABASE, a mapping of each entry's first field to the
# list of the others; of a name that comes more than once, to a list of such lists.
#
#     - getent: { database: passwd, key: www-data }
#     - debug: { msg: "{{ ansible_facts.getent_passwd['www-data'][4] }}" }

# getent_fields SPLIT: the entries on stdin as a mapping in JSON.
getent_fields() {
	getent_split=$1 json_awk '
	BEGIN { apart = ENVIRON["getent_split"] }
	{
		count = 0
		rest = $0
		if (apart == "") count = split($0, field)
		else {
			while ((at = index(rest, apart)) > 0) {
				field[++count] = substr(rest, 1, at - 1)
				rest = substr(rest, at + length(apart))
			}
			field[++count] = rest
		}
		if (!count) next
		list = ""
		for (i = 2; i <= count; i++) list = list (i > 2 ? ", " : "") json(field[i])
		name = field[1]
		all[name] = all[name] (seen[name] ? ", " : "") "[" list "]"
		put(name, seen[name]++ ? "[" all[name] "]" : all[name])
	}
	END { mapping() }'
}

check_getent() {
	case $1 in '' | -* | *[!a-z0-9_]*) die "'$1' is no name of a database" ;; esac
	case $2 in -*) die "'$2' is no key" ;; esac
	case $5 in *[!A-Za-z0-9_:.-]*) die "'$5' is no service" ;; esac
	getent_apart=$3
	case $3:$1 in
	:passwd | :shadow | :group | :gshadow) getent_apart=: ;;
	esac
	getent_rc=0
	getent_said=$(getent ${5:+-s "$5"} "$1" ${2:+"$2"} 2>&1) || getent_rc=$?
	case $getent_rc in
	0) getent_found=$(printf '%s\n' "$getent_said" | getent_fields "$getent_apart") ;;
	1) die "getent knows no database $1: $getent_said" ;;
	2)
		[ "$4" = false ] || die "$1 has no ${2:-entries}"
		getent_found=$(getent_key=$2 json_awk 'BEGIN { put(ENVIRON["getent_key"], "null"); mapping() }')
		;;
	3) die "the database $1 cannot be listed as a whole: name a key" ;;
	*) die "getent $1 ended with $getent_rc: $getent_said" ;;
	esac
	result ansible_facts_json "{\"getent_$1\": $getent_found}"
}

# Never called: there is nothing that would not be so.
apply_getent() { return 10; }
