package facts

import (
	"strconv"
	"strings"
)

// setupPeople asks who runs the tasks, and with which environment.
func setupPeople() []setupPart {
	return []setupPart{
		{name: "user", names: []string{"user_id", "user_uid", "user_gid", "user_gecos", "user_dir", "user_shell",
			"real_user_id", "effective_user_id", "real_group_id", "effective_group_id"},
			script: `id -un; id -u; id -g; getent passwd "$(id -un)" || grep "^$(id -un):" /etc/passwd`, read: readUser},
		{name: "env", names: []string{"env"}, script: `env`, read: readEnv},
	}
}

func readUser(text string, out map[string]any) {
	l := setupLines(text)
	if len(l) < 3 {
		return
	}
	uid, _ := strconv.ParseInt(l[1], 10, 64)
	gid, _ := strconv.ParseInt(l[2], 10, 64)
	out["user_id"], out["user_uid"], out["user_gid"] = l[0], uid, gid
	out["real_user_id"], out["effective_user_id"], out["real_group_id"], out["effective_group_id"] = uid, uid, gid, gid
	if len(l) < 4 {
		return
	}
	w := strings.Split(l[3], ":")
	if len(w) >= 7 {
		out["user_gecos"], out["user_dir"], out["user_shell"] = w[4], w[5], w[6]
	}
}

func readEnv(text string, out map[string]any) {
	all := map[string]any{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\n"), "=")
		if ok && key != "" && !strings.ContainsAny(key, " \t") {
			all[key] = value
		}
	}
	out["env"] = all
}
