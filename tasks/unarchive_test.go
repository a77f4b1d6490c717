package tasks

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"time"
)

// packed is an archive of the controller's, with a file big enough that it is sent beside the program.
func packed(t *testing.T) (tgz, zipped string) {
	t.Helper()
	var a, b bytes.Buffer
	gz := gzip.NewWriter(&a)
	tw, zw := tar.NewWriter(gz), zip.NewWriter(&b)
	at := time.Unix(1500000000, 0)
	text := strings.Repeat("\x00text\n", 20000)
	if err := tw.WriteHeader(&tar.Header{Name: "d/f", Mode: 0o640, Size: int64(len(text)), ModTime: at, Uid: 1, Gid: 2}); err != nil {
		t.Fatal(err)
	}
	header := &zip.FileHeader{Name: "d/f", Method: zip.Deflate, Modified: at}
	header.SetMode(0o640)
	w, err := zw.CreateHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{write(tw, text), write(w, text), tw.Close(), gz.Close(), zw.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return a.String(), b.String()
}

func write(w interface{ Write([]byte) (int, error) }, text string) error {
	_, err := w.Write([]byte(text))
	return err
}

// An archive of the controller's is sent to be compared: a check sends nothing, and so cannot tell.
func TestUnarchiveSent(t *testing.T) {
	tgz, zipped := packed(t)
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		for _, c := range []struct{ name, content, owner string }{{"a.tgz", tgz, "1:2"}, {"a.zip", zipped, "0:0"}} {
			h.do(`rm -rf /srv/to; mkdir /srv/to`)
			k := kindCall{"unarchive", "src", c.name, "content", c.content, "dest", "/srv/to", "mode", "0750"}
			h.wants(k, kindCheck, Unknown)
			h.wants(k, kindApply, Changed)
			h.wants(k, kindApply, OK)
			if got, want := h.do(`cd /srv/to; stat -c '%n %a %u:%g %s' d/f`), "d/f 750 "+c.owner+" 120000\n"; got != want {
				t.Errorf("%s: got %q, want %q", c.name, got, want)
			}
			h.do(`chmod 700 /srv/to/d/f`)
			h.wants(k, kindApply, Changed)
			h.do(`echo other >/srv/to/d/f`)
			h.wants(k, kindApply, Changed)
			h.wants(k, kindApply, OK)
			if got := h.do(`wc -c </srv/to/d/f; ls -A /var/lib/eucactl/host | grep scratch || :`); got != "120000\n" {
				t.Errorf("%s: got %q", c.name, got)
			}
		}
		h.wants(kindCall{"unarchive", "src", "a.tgz", "content", tgz, "dest", "/srv/to", "creates", "/srv/to/d"}, kindApply, OK)
	})
}

// One that a server has is fetched by the host itself.
func TestUnarchiveFetched(t *testing.T) {
	tgz, _ := packed(t)
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.wants(kindCall{"copy", "dest", "/srv/a.tgz", "content", tgz}, kindApply, Changed)
		h.do(readCases(t, "testdata/kinds/get_url.yml")[0].Host.Setup)
		h.do(`mv /srv/a.tgz /srv/web; mkdir /srv/to`)
		k := kindCall{"unarchive", "src", webServer + "/a.tgz", "dest", "/srv/to", "remote_src", true}
		h.wants(k, kindCheck, Would)
		h.wants(k, kindApply, Changed)
		h.wants(k, kindApply, OK)
		h.do(`test -s /srv/to/d/f`)
		for url, want := range map[string]string{webServer + "/none": "404", "http://127.0.0.1:1/a": "cannot fetch"} {
			words := h.wants(kindCall{"unarchive", "src", url, "dest", "/srv/to", "remote_src", true}, kindApply, Failed)
			if !strings.Contains(words, want) {
				t.Errorf("%s: %s", url, words)
			}
		}
		words := h.wants(kindCall{"unarchive", "src", webServer + "/a.tgz", "dest", "/srv/to"}, kindApply, Failed)
		if !strings.Contains(words, "remote_src") {
			t.Error(words)
		}
	})
}

// A host that cannot unpack it says what it lacks.
func TestUnarchiveWithoutTools(t *testing.T) {
	tgz, zipped := packed(t)
	h := newKindHost(t, shells[0])
	h.do(`mkdir /srv/to; cd /usr/bin; for f in tar unzip gzip; do mv $f $f.hidden; done`)
	for content, want := range map[string]string{tgz: "there is no tar here", zipped: "there is no unzip here"} {
		words := h.wants(kindCall{"unarchive", "src", "a", "content", content, "dest", "/srv/to"}, kindApply, Failed)
		if !strings.Contains(words, want) {
			t.Error(words)
		}
	}
	h.do(`cd /usr/bin; mv tar.hidden tar`)
	words := h.wants(kindCall{"unarchive", "src", "a", "content", tgz, "dest", "/srv/to"}, kindApply, Failed)
	if !strings.Contains(words, "gzip") || !strings.Contains(words, "cannot read the archive") {
		t.Error(words)
	}
}
