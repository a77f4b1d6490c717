# modprobe name state=present params?
#
# A module of the kernel is loaded, or is not.
#
#   name    the module
#   state   present or absent
#   params  its parameters when it is loaded: "name=value name=value"; those of
#           one that is loaded stay
#
# Looks at: /proc/modules, and what is built into the kernel.
# Changes:  modprobe, or modprobe -r.
# Never:    writes below /etc: the module is not loaded again when the host starts.
#
# Results: name, state, params.
#
#     - modprobe: { name: br_netfilter }

# modprobe_loaded NAME: as Linux does, - and _ are one.
modprobe_loaded() {
	modprobe_name=$(printf '%s' "$1" | tr - _)
	while read -r modprobe_one modprobe_rest; do
		[ "$modprobe_one" != "$modprobe_name" ] || return 0
	done </proc/modules
	modprobe_file=/lib/modules/$(uname -r)/modules.builtin
	[ -r "$modprobe_file" ] || return 1
	tr - _ <"$modprobe_file" | grep -q "/$modprobe_name\.ko"
}

check_modprobe() {
	case $1 in '' | -* | *[!A-Za-z0-9_-]*) die "'$1' is no name of a module" ;; esac
	case $2 in present | absent) ;; *) die "state is present or absent, not '$2'" ;; esac
	[ -r /proc/modules ] || die "this kernel has no modules"
	result name "$1"
	result state "$2"
	result params "$3"
	if modprobe_loaded "$1"; then
		[ "$2" = present ]
	else
		[ "$2" = absent ]
	fi
}

diff_modprobe() {
	modprobe_sign=+
	[ "$2" = present ] || modprobe_sign=-
	echo "$modprobe_sign$1${3:+ $3}"
}

apply_modprobe() {
	if [ "$2" = absent ]; then
		modprobe -r "$1"
		return
	fi
	# shellcheck disable=SC2086 # parameters are words
	modprobe "$1" $3
}
