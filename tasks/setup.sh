# setup content
#
# Asks the host about itself: content is a script whose output becomes the result
# facts. It changes nothing.

check_setup() {
	result_begin facts
	setup_script=$(blob "$1")
	(eval "$setup_script") 2>/dev/null || :
	result_end facts
}

apply_setup() { :; }
