package remote

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/kevinburke/ssh_config"
)

// sshConfig is what the ssh_config files say; earlier files go before later ones.
type sshConfig []*ssh_config.Config

func readSSHConfig(files []string) (sshConfig, error) {
	var c sshConfig
	for _, name := range files {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("ssh_config: %w", err)
		}
		parsed, err := ssh_config.DecodeBytes(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c = append(c, parsed)
	}
	return c, nil
}

// get returns the first value, which is the one that counts.
func (c sshConfig) get(alias, key string) string {
	for _, one := range c {
		if v, err := one.Get(alias, key); err == nil && v != "" {
			return unquote(v)
		}
	}
	return ""
}

// all returns the values of a key that adds up, like IdentityFile.
func (c sshConfig) all(alias, key string) []string {
	var values []string
	for _, one := range c {
		vs, err := one.GetAll(alias, key)
		if err != nil {
			continue
		}
		for _, v := range vs {
			if v = unquote(v); v != "none" && v != "" {
				values = append(values, v)
			}
		}
	}
	return values
}

func unquote(v string) string {
	v = strings.TrimSpace(v)
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
	}
	return v
}

// expansion is what ~ and the % letters of ssh_config(5) stand for.
type expansion struct{ home, local, alias, host, port, user string }

func (x expansion) expand(v string) string {
	if v == "~" || strings.HasPrefix(v, "~/") {
		v = x.home + v[1:]
	}
	return strings.NewReplacer("%%", "%", "%d", x.home, "%u", x.local, "%n", x.alias,
		"%h", x.host, "%p", x.port, "%r", x.user).Replace(v)
}
