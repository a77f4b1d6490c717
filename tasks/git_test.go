package tasks

import "testing"

// A clone that a kill breaks off is not taken for one.
func TestGit(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.do(readCases(t, "testdata/kinds/git.yml")[0].Host.Setup)
		h.try(kindTry{
			kindCall: kindCall{"git", "repo", "/repos/src", "dest", "/repos/dst", "force", true},
			bare: `export HOME=/root; rm -rf /repos; mkdir -p /repos/src; cd /repos/src; git init -q; echo one >f; git add f
				GIT_COMMITTER_DATE=2020-01-02T03:04:05Z git commit -q --date 2020-01-02T03:04:05Z -m one; cd ..`,
			states: []kindState{
				{"absent", ""},
				{"changed", "git clone -q src dst; echo two >dst/f"},
				{"older", "git init -q dst; git -C dst remote add origin /repos/src"},
			},
			proof: `export HOME=/root; ls -A /repos; set +e; cd /repos/dst || exit 0; git log --format=%h; git status --porcelain; cat f; true`,
			tools: []string{"/usr/bin/git"},
		})
	})
}
