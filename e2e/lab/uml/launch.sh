#!/bin/sh
# Starts the kernel of one lab host. It runs as process 1 of new pid and mount namespaces: when it ends, the machine's
# kernel ends everything that the host's kernel has made out of processes. The host's kernel itself cannot be process 1,
# which is deaf to the signals by which it hears of its own processes.
#
# Environment: LAB_RUN   folder of the lab with this host's pid and files
#              LAB_DISK  folder with an empty folder root
# Arguments: the kernel's command line
set -eu
# /proc is still the machine's, so this is the process id as the machine sees it; with its start time it names this
# process and no later one. The command name in parentheses has no spaces here.
read -r stat </proc/self/stat
arguments=$#
# shellcheck disable=SC2086
set -- $stat "$@"
printf '%s %s\n' "$1" "${22}" >"$LAB_RUN/pid"
shift $(($# - arguments))

# The host's memory is a file that nobody else sees.
mount -t tmpfs -o mode=700,size=100% memory "$LAB_DISK/root"
export TMPDIR="$LAB_DISK/root" HOME="$LAB_DISK/root"
unset LAB_RUN LAB_DISK
"$@"
