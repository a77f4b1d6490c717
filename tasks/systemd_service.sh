# systemd_service name|service|unit? state? enabled? masked? daemon_reload=false daemon_reexec=false no_block=false force=false scope=system
# with: systemd units truth
#
# Another name of systemd: see there.

check_systemd_service() { check_systemd "$@"; }

apply_systemd_service() { apply_systemd "$@"; }
