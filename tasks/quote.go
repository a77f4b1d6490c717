package tasks

import "strings"

const bareWord = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,@%:"

// quote writes s as one word of sh. Inside single quotes every byte but the
// quote itself is literal in dash, bash and busybox; NUL cannot be written.
func quote(s string) string {
	bare := func(r rune) bool { return strings.ContainsRune(bareWord, r) }
	if s != "" && strings.TrimFunc(s, bare) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
