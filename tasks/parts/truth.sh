# truth: what kinds share that have parameters which are true, false or not given.

# truth NAME VALUE: true, false or nothing into truth_is.
truth() {
	case $2 in
	'' | true | false) truth_is=$2 ;;
	[Yy] | [Yy]es | YES | [Oo]n | ON | [Tt] | True | TRUE | 1) truth_is=true ;;
	[Nn] | [Nn]o | NO | [Oo]ff | OFF | [Ff] | False | FALSE | 0) truth_is=false ;;
	*) die "$1 is true or false, not '$2'" ;;
	esac
}
