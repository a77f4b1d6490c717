# yum name|pkg[]? state? update_cache|expire_cache=false enablerepo[]? disablerepo[]? exclude[]? disable_gpg_check=false install_weak_deps=true autoremove=false allow_downgrade=false allowerasing=false nobest=false skip_broken=false update_only=false security=false bugfix=false cacheonly=false conf_file? releasever? installroot=/ lock_timeout=30 use_backend=auto
# with: dnf
#
# Packages of older Red Hats, and another name of dnf: see there. It is dnf that is
# called where there is one.

check_yum() { check_dnf "$@"; }

apply_yum() { apply_dnf "$@"; }
