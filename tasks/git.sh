# git repo|name dest? version=HEAD remote=origin clone=true update=true force=false depth? bare=false recursive=true refspec? reference? single_branch=false accept_hostkey=false accept_newhostkey=false key_file? ssh_opts? executable? umask?
# with: attrs
#
# A clone of a git repository, at some version: Ansible's git.
#
#   repo (name)    where it comes from: an address, USER@HOST:PATH or a path
#   dest           the folder; it may be left out with clone=false
#   version        HEAD (the repository's own), a branch, a tag, or a whole sha1
#   remote         what the clone calls it
#   clone          false: no clone is made where there is none
#   update         false: a clone that is there is left at its version
#   force          changes in the clone are thrown away; without it they are an error
#   depth          so many commits of its past
#   bare           without a work tree
#   recursive      with its submodules
#   refspec        what is fetched besides
#   reference      a repository of the host's to take objects from
#   single_branch  only the version's branch is cloned
#   accept_hostkey     whatever key the server has; accept_newhostkey: one not known yet
#   key_file, ssh_opts for ssh
#   executable     the path of git
#   umask          of the files, as 0022
#
# Results: before, after (sha1; before is null if there was no clone), remote_url_changed.
# Example: git: { repo: "https://example.org/app.git", dest: /srv/app, version: v1.2 }
# It asks the repository, also in check mode. Differs from Ansible: archive, verify_commit,
# gpg_whitelist, separate_git_dir and track_submodules cannot be told; where there is no
# clone and clone=false, nothing is to be changed; paths are absolute. A diff names
# the two versions.

# git_start ARGUMENTS
git_start() {
	umask "${19:-022}" || die "umask is an octal number, not '${19}'"
	git_repo=$1 git_version=$3 git_remote=$4 git_clone=$5 git_update=$6 git_force=$7 git_depth=$8 git_bare=$9
	git_recursive=${10} git_refspec=${11} git_reference=${12} git_single=${13}
	git_bin=${18:-git}
	command -v "$git_bin" >/dev/null || die "there is no git here: install it first"
	case $git_repo$git_version$git_remote in
	*"
"*) die "neither repo nor version nor remote may have more than one line" ;;
	esac
	case $git_repo in
	-*) die "repo is no address: '$git_repo'" ;;
	/*) git_repo=file://$git_repo ;;
	esac
	case $git_version in -* | '') die "version is no name of one: '$git_version'" ;; esac
	case $git_remote in -* | '' | */*) die "remote is no name of one: '$git_remote'" ;; esac
	case $git_depth in *[!0-9]*) die "depth is a number, not '$git_depth'" ;; esac
	git_dest='' git_before=''
	if [ -n "$2" ]; then
		attrs_path "$2"
		git_dest=${attrs_path%/}
	else
		[ "$git_clone" = false ] || die "dest is missing: only clone=false can do without"
	fi
	git_ssh "${14}" "${15}" "${16}" "${17}"
	git_dir=$git_dest/.git
	[ "$git_bare" != true ] || git_dir=$git_dest
	if [ -n "$git_dest" ] && [ -e "$git_dir/HEAD" ]; then
		git_before=$(git_in rev-parse -q --verify 'HEAD^{commit}') || git_before=none
	elif [ -e "$git_dir" ] && [ "$git_bare" != true ]; then
		git_before=$(git_in rev-parse -q --verify 'HEAD^{commit}') || die "$git_dir is no repository"
	fi
}

# git_ssh ACCEPT ACCEPT_NEW KEY OPTIONS: how ssh is called, which must not ask anybody.
git_ssh() {
	GIT_TERMINAL_PROMPT=0
	git_by="ssh -o BatchMode=yes"
	[ "$2" != true ] || git_by="$git_by -o StrictHostKeyChecking=accept-new"
	[ "$1" != true ] || git_by="$git_by -o StrictHostKeyChecking=no"
	if [ -n "$3" ]; then
		attrs_path "$3"
		[ -f "$attrs_path" ] || die "key_file, $attrs_path, is absent"
		# shellcheck disable=SC2089 # git has sh read it
		git_by="$git_by -o IdentitiesOnly=yes -i '$(printf '%s' "$attrs_path" | sed "s/'/'\\\\''/g")'"
	fi
	GIT_SSH_COMMAND="$git_by${4:+ $4}"
	# shellcheck disable=SC2090
	export GIT_TERMINAL_PROMPT GIT_SSH_COMMAND
}

# git_in ARGUMENTS: git in the clone.
git_in() {
	if [ "$git_bare" = true ]; then
		"$git_bin" --git-dir="$git_dest" "$@"
	else
		"$git_bin" -C "$git_dest" "$@"
	fi
}

# git_ask: what the repository has for the version, into git_want; git_kind is head,
# branch, tag or sha1, git_branch the branch.
git_ask() {
	git_heads=$("$git_bin" ls-remote --symref -- "$git_repo" HEAD "refs/heads/$git_version" "refs/tags/$git_version" "refs/tags/$git_version^{}") ||
		die "cannot ask $git_repo"
	git_found=$(printf '%s\n' "$git_heads" | git_version=$git_version awk '
		BEGIN { v = ENVIRON["git_version"] }
		$1 == "ref:" && $3 == "HEAD" { head = $2; sub(/^refs\/heads\//, "", head) }
		$1 != "ref:" { sum[$2] = $1 }
		END {
			b = "refs/heads/" v; t = "refs/tags/" v
			if (v == "HEAD") print "head", sum["HEAD"], head
			else if (b in sum) print "branch", sum[b], v
			else if ((t "^{}") in sum) print "tag", sum[t "^{}"]
			else if (t in sum) print "tag", sum[t]
		}')
	if [ -z "$git_found" ]; then
		case $git_version in
		*[!0-9a-f]*) die "$git_repo has no branch and no tag $git_version" ;;
		esac
		[ ${#git_version} -ge 40 ] || die "$git_repo has no branch and no tag $git_version; a sha1 must be whole"
		git_found="sha1 $git_version"
	fi
	git_kind=${git_found%% *}
	git_found=${git_found#* }
	git_want=${git_found%% *} git_branch=${git_found#"$git_want"}
	git_branch=${git_branch# }
	[ -n "$git_want" ] || die "$git_repo is empty: it has no $git_version"
}

# git_same_url: the clone comes from there.
git_same_url() { [ "$(git_in config --get "remote.$git_remote.url" || :)" = "$git_repo" ]; }

# git_modified: something in the clone is not as it was committed.
git_modified() {
	[ "$git_bare" != true ] || return 1
	[ -n "$(git_in status --porcelain --untracked-files=no --ignore-submodules=none || echo unknown)" ]
}

check_git() {
	git_start "$@"
	attrs_done || git_results before "${git_before:-none}"
	if [ -z "$git_before" ]; then
		git_ask
		result after "$git_want"
		[ "$git_clone" = true ] || return 0
		return 1
	fi
	if [ "$git_update" != true ]; then
		git_results after "$git_before"
		return 0
	fi
	git_changed=0
	if git_modified; then
		[ "$git_force" = true ] || die "there are changes in $git_dest, which would be lost: force=true throws them away"
		git_changed=1
	fi
	if ! git_same_url; then
		result remote_url_changed_json true
		git_changed=1
	else
		attrs_done || result remote_url_changed_json false
	fi
	git_ask
	result after "$git_want"
	[ "$git_bare" != true ] || git_before=$(git_in rev-parse -q --verify "$(git_bare_ref)^{commit}") || git_before=none
	[ "$git_before" = "$git_want" ] || return 1
	[ "$git_changed" = 0 ] || return 1
	git_submodules_same
}

git_results() {
	if [ "$2" = none ]; then result "$1_json" null; else result "$1" "$2"; fi
}

# git_bare_ref: what of a bare clone must be the version.
git_bare_ref() {
	case $git_kind in
	head) echo "refs/heads/$git_branch" ;;
	branch) echo "refs/heads/$git_version" ;;
	tag) echo "refs/tags/$git_version" ;;
	*) echo "$git_version" ;;
	esac
}

# git_submodules_same: each is at the commit that the version names.
git_submodules_same() {
	[ "$git_recursive" = true ] && [ "$git_bare" != true ] && [ -e "$git_dest/.gitmodules" ] || return 0
	git_subs=$(git_in submodule status --recursive) || die "cannot look at the submodules of $git_dest"
	! printf '%s\n' "$git_subs" | grep -q '^[-+U]'
}

apply_git() {
	git_start "$@"
	git_ask
	if [ -z "$git_before" ]; then
		git_first
	else
		! git_modified || [ "$git_force" = true ] || die "there are changes in $git_dest, which would be lost"
		git_same_url || git_in config "remote.$git_remote.url" "$git_repo"
		git_fetch
	fi
	[ "$git_bare" = true ] || git_switch
	attrs_remember
}

# git_first: a new clone. The folder is there in the end, or not at all.
git_first() {
	[ -d "${git_dest%/*}/" ] || mkdir -p "${git_dest%/*}"
	set -- clone --origin "$git_remote"
	[ "$git_bare" != true ] || set -- "$@" --bare
	[ -z "$git_depth" ] || [ "$git_kind" = sha1 ] || set -- "$@" --depth "$git_depth"
	[ "$git_single" != true ] || set -- "$@" --single-branch
	case $git_kind:$git_depth$git_single in
	branch:false | tag:false) ;;
	branch:* | tag:*) set -- "$@" --branch "$git_version" ;;
	esac
	if [ -n "$git_reference" ]; then
		attrs_path "$git_reference"
		set -- "$@" --reference "$attrs_path"
	fi
	git_new=$git_dest
	if [ ! -e "$git_dest" ]; then
		git_new=${git_dest%/*}/.${git_dest##*/}.eucactl-new
		rm -rf "$git_new"
	fi
	"$git_bin" "$@" -- "$git_repo" "$git_new"
	[ "$git_new" = "$git_dest" ] || mv "$git_new" "$git_dest"
	if [ -n "$git_refspec" ] || [ "$git_kind" = sha1 ] && ! git_in cat-file -e "$git_want^{commit}" 2>/dev/null; then
		git_fetch
	fi
	[ "$git_bare" != true ] || [ -z "$git_refspec" ] || git_in config --replace-all "remote.$git_remote.fetch" "$git_refspec"
}

git_fetch() {
	set -- fetch --force --tags
	if [ -n "$git_depth" ] && [ "$git_kind" != sha1 ]; then
		set -- fetch --force --depth "$git_depth"
	fi
	set -- "$@" "$git_remote"
	if [ "$git_bare" = true ]; then
		set -- "$@" '+refs/heads/*:refs/heads/*'
	elif [ "$git_kind" = tag ]; then
		set -- "$@" "+refs/heads/*:refs/remotes/$git_remote/*" "+refs/tags/$git_version:refs/tags/$git_version"
	else
		set -- "$@" "+refs/heads/*:refs/remotes/$git_remote/*"
	fi
	[ -z "$git_refspec" ] || set -- "$@" "$git_refspec"
	git_in "$@"
	[ "$git_kind" != sha1 ] || git_in cat-file -e "$git_want^{commit}" 2>/dev/null || git_in fetch "$git_remote" "$git_want"
}

# git_switch: the work tree comes to the version, on its branch if it is one.
git_switch() {
	if [ "$git_force" = true ]; then git_in reset -q --hard; fi
	case $git_kind:$git_branch in
	tag:* | sha1:* | head:) git_in checkout -q --force --detach "$git_want" ;;
	*)
		git_in rev-parse -q --verify "refs/heads/$git_branch" >/dev/null ||
			git_in branch --track "$git_branch" "$git_remote/$git_branch"
		git_in checkout -q --force "$git_branch"
		git_in reset -q --hard "$git_remote/$git_branch" --
		;;
	esac
	if [ "$git_recursive" = true ] && [ -e "$git_dest/.gitmodules" ]; then
		git_in submodule -q sync
		git_in submodule -q update --init --recursive ${git_force:+--force}
	fi
}

diff_git() {
	git_start "$@"
	git_ask
	[ -z "$git_before" ] || printf -- '-%s\n' "$git_before"
	printf '+%s\n' "$git_want"
}
