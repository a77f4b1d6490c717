package lab

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// chooseLegacy makes the older programs the host's iptables, ebtables and arptables, as update-alternatives does:
// Debian's user-mode Linux has nftables for bridges alone.
func chooseLegacy(upper string) error {
	const alternatives = "etc/alternatives"
	if err := os.MkdirAll(filepath.Join(upper, alternatives), 0o755); err != nil {
		return err
	}
	names, err := filepath.Glob("/" + alternatives + "/*tables*")
	if err != nil {
		return err
	}
	for _, name := range names {
		chosen, err := os.Readlink(name)
		if err != nil {
			return err
		}
		legacy := strings.Replace(chosen, "-nft", "-legacy", 1)
		if _, err := os.Stat(legacy); errors.Is(err, os.ErrNotExist) || legacy == chosen {
			continue
		}
		if err := os.Symlink(legacy, filepath.Join(upper, name)); err != nil {
			return err
		}
	}
	return nil
}
