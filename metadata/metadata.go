// Package metadata is the door through which guests learn about themselves, as from
// EC2's http://169.254.169.254: version 1, and version 2 with its tokens. Who asks is
// known by the address that he asks from and the frontend that he comes through; he
// is told what is his own and nothing else. The package keeps nothing and decides
// nothing; how guests come here is its caller's business.
package metadata

import (
	"crypto/rand"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"eucactl/cloud"
)

// Source says what the guest at an address behind a frontend may know of itself; ok
// is false for an address that is nobody's.
type Source interface {
	Metadata(frontend string, guest netip.Addr) (m cloud.Metadata, ok bool, err error)
}

// Service answers the guests of all frontends.
type Service struct {
	source Source
	now    func() time.Time
	seal   [32]byte // of tokens
}

// New is a service whose tokens no other one takes.
func New(source Source, now func() time.Time) *Service {
	s := &Service{source: source, now: now}
	_, _ = rand.Read(s.seal[:]) // it never fails: the process would have ended
	return s
}

// versions are those that Eucalyptus 2.0.1 served. All of them say the same here.
func versions() []string {
	return []string{
		"1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01", "2009-04-04", "latest",
	}
}

// Handler answers the guests behind a frontend. A stranger gets the same answer,
// whatever he asks.
func (s *Service) Handler(frontend string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 { // nothing here has a use for a body
			w.Header().Set("Connection", "close")
		}
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			refuse(w, http.StatusNotFound)
			return
		}
		m, ok, err := s.source.Metadata(frontend, from.Addr().Unmap())
		switch {
		case err != nil:
			refuse(w, http.StatusInternalServerError)
		case !ok:
			refuse(w, http.StatusNotFound)
		default:
			s.answer(w, r, m)
		}
	})
}

// answer tells an instance what it asks for.
func (s *Service) answer(w http.ResponseWriter, r *http.Request, m cloud.Metadata) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if path == tokenPath {
		s.token(w, r, m)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	if given, has := r.Header[tokenHeader]; has && !s.valid(given[0], m.Instance) {
		refuse(w, http.StatusUnauthorized)
		return
	}
	if path == "" {
		say(w, strings.Join(versions(), "\n"))
		return
	}
	version, rest, _ := strings.Cut(path, "/")
	if !slices.Contains(versions(), version) {
		refuse(w, http.StatusNotFound)
		return
	}
	within(w, rest, m)
}

// within answers what is asked below a version.
func within(w http.ResponseWriter, path string, m cloud.Metadata) {
	switch {
	case path == "" && m.UserData == "":
		say(w, "meta-data")
	case path == "":
		say(w, "meta-data\nuser-data")
	case path == "user-data" && m.UserData != "":
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write([]byte(m.UserData.Reveal()))
	case path == "meta-data", strings.HasPrefix(path, "meta-data/"):
		text, ok := leaves(m).look(strings.TrimPrefix(strings.TrimPrefix(path, "meta-data"), "/"))
		if !ok {
			refuse(w, http.StatusNotFound)
			return
		}
		say(w, text)
	default:
		refuse(w, http.StatusNotFound)
	}
}

// say answers with text. A guest that went away is not told.
func say(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte(text))
}

// refuse says no more than its number means.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(http.StatusText(status)))
}
