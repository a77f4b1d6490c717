package metadata

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"eucactl/cloud"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clouds are two frontends with guests at the same addresses.
type clouds map[string]cloud.Metadata

func (c clouds) Metadata(frontend string, guest netip.Addr) (cloud.Metadata, bool, error) {
	if guest == netip.MustParseAddr("10.50.1.9") {
		return cloud.Metadata{}, false, errors.New("the records are broken")
	}
	m, ok := c[frontend+" "+guest.String()]
	return m, ok, nil
}

var full = cloud.Metadata{
	Instance: "i-0000000a", Reservation: "r-0000000b", LaunchIndex: 1, Image: "emi-0000000c", Kernel: "eki-0000000d", Ramdisk: "eri-0000000e",
	Type: "m1.small", Zone: "one", Groups: []string{"default", "web"}, Hostname: "euca-10-50-1-2.eucalyptus.internal",
	Private: netip.MustParseAddr("10.50.1.2"), Public: netip.MustParseAddr("203.0.113.10"), KeyName: "mykey", PublicKey: "ssh-ed25519 AAAA x",
	UserData: "\x00raw\n\xff",
}

var bare = cloud.Metadata{
	Instance: "i-0000001a", Reservation: "r-0000001b", Image: "emi-0000001c", Type: "m1.small", Zone: "two", Groups: []string{"default"},
	Hostname: "euca-10-50-1-2.eucalyptus.internal", Private: netip.MustParseAddr("10.50.1.2"),
}

// door is a service in front of both, with a clock.
type door struct {
	*Service
	now time.Time
}

func newDoor() *door {
	d := &door{now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}
	other := full
	other.Instance = "i-0000002a"
	d.Service = New(clouds{"fe1 10.50.1.2": full, "fe2 10.50.1.2": bare, "fe1 10.50.1.3": other}, func() time.Time { return d.now })
	return d
}

// ask asks as a guest. More are header lines.
func (d *door) ask(t *testing.T, frontend, from, method, path string, more ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "http://169.254.169.254"+path, nil)
	r.RemoteAddr = from + ":40000"
	for _, line := range more {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	d.Handler(frontend).ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// get is what the guest of fe1 reads at a path.
func (d *door) get(t *testing.T, frontend, path string) string {
	t.Helper()
	r := d.ask(t, frontend, "10.50.1.2", http.MethodGet, path)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, r.Status)
	}
	return text(t, r)
}

// crawl walks all lists as cloud-init does and returns the leaves.
func (d *door) crawl(t *testing.T, frontend, folder string) (list []string) {
	t.Helper()
	for _, name := range strings.Split(d.get(t, frontend, folder), "\n") {
		switch number, _, key := strings.Cut(name, "="); {
		case strings.HasSuffix(name, "/"):
			list = append(list, d.crawl(t, frontend, folder+name)...)
		case key:
			list = append(list, d.crawl(t, frontend, folder+number+"/")...)
		default:
			list = append(list, folder+name+"="+d.get(t, frontend, folder+name))
		}
	}
	return list
}

// Every key of Eucalyptus 2.0.1 is there, every name in a list leads somewhere, and
// nothing ends in a newline.
//
// proves A103
func TestCrawl(t *testing.T) {
	d := newDoor()
	want := []string{
		"ami-id=emi-0000000c", "ami-launch-index=1", "ami-manifest-path=(unknown)", "ancestor-ami-ids=",
		"block-device-mapping/ami=vda", "block-device-mapping/emi=vda", "block-device-mapping/ephemeral=", "block-device-mapping/root=/dev/vda",
		"block-device-mapping/swap=", "hostname=euca-10-50-1-2.eucalyptus.internal", "instance-id=i-0000000a", "instance-type=m1.small",
		"kernel-id=eki-0000000d", "local-hostname=euca-10-50-1-2.eucalyptus.internal", "local-ipv4=10.50.1.2",
		"placement/availability-zone=one", "public-hostname=203.0.113.10", "public-ipv4=203.0.113.10",
		"public-keys/0/openssh-key=ssh-ed25519 AAAA x", "ramdisk-id=eri-0000000e", "reservation-id=r-0000000b", "security-groups=default\nweb",
	}
	for _, version := range strings.Split(d.get(t, "fe1", "/"), "\n") {
		got := d.crawl(t, "fe1", "/"+version+"/meta-data/")
		for i, line := range got {
			got[i] = strings.TrimPrefix(line, "/"+version+"/meta-data/")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", version, diff)
		}
		if got := d.get(t, "fe1", "/"+version+"/"); got != "meta-data\nuser-data" {
			t.Errorf("%s: %q", version, got)
		}
		if got := d.get(t, "fe1", "/"+version+"/user-data"); got != "\x00raw\n\xff" {
			t.Errorf("user data %q", got)
		}
	}
	bare := d.crawl(t, "fe2", "/latest/meta-data/")
	for _, none := range []string{"public-", "kernel-id", "ramdisk-id"} {
		if slices.ContainsFunc(bare, func(line string) bool { return strings.Contains(line, none) }) {
			t.Errorf("an instance without it has %s: %v", none, bare)
		}
	}
	if len(bare) != 17 {
		t.Errorf("%d leaves: %v", len(bare), bare)
	}
}

func TestPaths(t *testing.T) {
	d := newDoor()
	for path, want := range map[string]string{
		"/latest":                                        "meta-data\nuser-data",
		"/latest/meta-data":                              "ami-id",
		"/latest/meta-data/placement":                    "availability-zone",
		"/latest/meta-data/placement/":                   "availability-zone",
		"/latest/meta-data/public-keys/":                 "0=mykey",
		"/latest/meta-data/public-keys/0":                "openssh-key",
		"/latest/meta-data/public-keys/0/":               "openssh-key",
		"/latest/meta-data/block-device-mapping/":        "ami",
		"/1.0/meta-data/public-keys/0/openssh-key":       "ssh-ed25519 AAAA x",
		"/2009-04-04/meta-data/security-groups":          "default",
		"/latest/meta-data/block-device-mapping/unknown": "404",
		"/latest/meta-data/public-keys/1/openssh-key":    "404",
		"/latest/meta-data/ami-id/":                      "404",
		"/latest/meta-data/ami":                          "404",
		"/latest/meta-datax":                             "404",
		"/latest/user-data/":                             "404",
		"/latest/dynamic/":                               "404",
		"/2011-01-01/meta-data/":                         "404",
		"/../../etc/passwd":                              "404",
		"//":                                             "404",
	} {
		r := d.ask(t, "fe1", "10.50.1.2", http.MethodGet, path)
		got, _, _ := strings.Cut(text(t, r), "\n")
		wanted, _, _ := strings.Cut(want, "\n")
		if want == "404" && r.StatusCode != http.StatusNotFound || want != "404" && got != wanted {
			t.Errorf("%s: %s %q, want %q", path, r.Status, got, want)
		}
	}
	if r := d.ask(t, "fe2", "10.50.1.2", http.MethodGet, "/latest/user-data"); r.StatusCode != http.StatusNotFound {
		t.Errorf("no user data: %s", r.Status)
	}
	if r := d.ask(t, "fe1", "10.50.1.2", http.MethodPost, "/latest/meta-data/"); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", r.Status)
	}
	if r := d.ask(t, "fe1", "10.50.1.2", http.MethodHead, "/latest/meta-data/"); r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("HEAD: %s %v", r.Status, r.Header)
	}
}

// Who asks is known by address and frontend together; a stranger gets one answer,
// whatever he asks, and so does one whose records are broken.
func TestWhoAsks(t *testing.T) {
	d := newDoor()
	for _, who := range [][3]string{{"fe1", "10.50.1.2", "i-0000000a"}, {"fe1", "10.50.1.3", "i-0000002a"}, {"fe2", "10.50.1.2", "i-0000001a"}, {"fe1", "[::ffff:10.50.1.2]", "i-0000000a"}} {
		if got := text(t, d.ask(t, who[0], who[1], http.MethodGet, "/latest/meta-data/instance-id")); got != who[2] {
			t.Errorf("%v: %s", who, got)
		}
	}
	for _, path := range []string{"/", "/latest/meta-data/instance-id", "/latest/api/token", "/nothing"} {
		for _, method := range []string{http.MethodGet, http.MethodPut} {
			r := d.ask(t, "fe2", "10.50.1.3", method, path, ttlHeader+": 60")
			if got := text(t, r); r.StatusCode != http.StatusNotFound || got != "Not Found" {
				t.Errorf("a stranger asks %s: %s %q", path, r.Status, got)
			}
		}
	}
	if r := d.ask(t, "fe1", "10.50.1.9", http.MethodGet, "/"); r.StatusCode != http.StatusInternalServerError || strings.Contains(text(t, r), "broken") {
		t.Errorf("%s", r.Status)
	}
	if r := d.ask(t, "fe1", "nobody", http.MethodGet, "/"); r.StatusCode != http.StatusNotFound {
		t.Errorf("%s", r.Status)
	}
}

func TestTokens(t *testing.T) {
	d := newDoor()
	put := func(more ...string) *http.Response {
		return d.ask(t, "fe1", "10.50.1.2", http.MethodPut, "/latest/api/token", more...)
	}
	for ttl, want := range map[string]int{"1": 200, "21600": 200, "0": 400, "21601": 400, "-1": 400, "an hour": 400, "": 400, "1.5": 400} {
		if r := put(ttlHeader + ": " + ttl); r.StatusCode != want {
			t.Errorf("ttl %q: %s", ttl, r.Status)
		}
	}
	if r := put(); r.StatusCode != http.StatusBadRequest {
		t.Errorf("without a ttl: %s", r.Status)
	}
	if r := put(ttlHeader+": 60", "X-Forwarded-For: 192.0.2.1"); r.StatusCode != http.StatusForbidden {
		t.Errorf("through a proxy: %s", r.Status)
	}
	if r := d.ask(t, "fe1", "10.50.1.2", http.MethodGet, "/latest/api/token"); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %s", r.Status)
	}
	r := put("X-aws-ec2-metadata-token-ttl-seconds: 60")
	if r.Header.Get(ttlHeader) != "60" {
		t.Errorf("%v", r.Header)
	}
	token := text(t, r)
	with := func(from, token string) int {
		return d.ask(t, "fe1", from, http.MethodGet, "/latest/meta-data/instance-id", "X-aws-ec2-metadata-token: "+token).StatusCode
	}
	last := byte('A')
	if token[10] == 'A' {
		last = 'B'
	}
	forged := token[:10] + string(last) + token[11:]
	for name, got := range map[string][2]int{
		"its own":       {with("10.50.1.2", token), 200},
		"another's":     {with("10.50.1.3", token), 401},
		"none":          {with("10.50.1.2", ""), 401},
		"forged":        {with("10.50.1.2", forged), 401},
		"longer":        {with("10.50.1.2", token+"AAAA"), 401},
		"shorter":       {with("10.50.1.2", token[:20]), 401},
		"no base64":     {with("10.50.1.2", "***"), 401},
		"another door":  {newDoor().ask(t, "fe1", "10.50.1.2", http.MethodGet, "/", tokenHeader+": "+token).StatusCode, 401},
		"another start": {with("10.50.1.2", token), 200},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %d, want %d", name, got[0], got[1])
		}
	}
	d.now = d.now.Add(59 * time.Second)
	if with("10.50.1.2", token) != 200 {
		t.Error("it ends too early")
	}
	d.now = d.now.Add(time.Second)
	if with("10.50.1.2", token) != 401 {
		t.Error("it does not end")
	}
}

// FuzzToken: no text makes the service take a token that it did not give.
func FuzzToken(f *testing.F) {
	d := newDoor()
	f.Add("")
	f.Add(d.sealed(0, "i-0000000a"))
	f.Add(d.sealed(d.now.Unix()+60, "i-0000000b"))
	f.Fuzz(func(t *testing.T, token string) {
		if d.valid(token, "i-0000000a") {
			t.Errorf("%q", token)
		}
	})
}

// A guest that takes all connections takes none from others; one that says nothing, or
// too much, is hung up on. The listener's end is the service's.
func TestBounds(t *testing.T) {
	d := newDoor()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	from := map[string]string{"127.0.0.1": "10.50.1.2", "127.0.0.2": "10.50.1.3"}
	go func() { served <- d.Serve("fe1", guests{l, from}) }()
	dial := func(source string) net.Conn {
		nd := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
		c, err := nd.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		return c
	}
	var greedy []net.Conn
	for range mostFromOne {
		greedy = append(greedy, dial("127.0.0.1"))
	}
	more := dial("127.0.0.1")
	defer more.Close()
	if _, err := more.Read(make([]byte, 1)); err == nil {
		t.Error("one more than it may have is answered")
	}
	other := dial("127.0.0.2")
	defer other.Close()
	fmt.Fprint(other, "GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: x\r\n\r\n")
	r, err := http.ReadResponse(bufio.NewReader(other), nil)
	if err != nil || text(t, r) != "i-0000002a" {
		t.Errorf("%v, %v", r, err)
	}
	// Too much.
	fmt.Fprintf(greedy[0], "GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 64<<10))
	if r, err := http.ReadResponse(bufio.NewReader(greedy[0]), nil); err == nil && r.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%v, %v", r, err)
	}
	// Nothing.
	begun := time.Now()
	if _, err := greedy[1].Read(make([]byte, 1)); err == nil || time.Since(begun) > headerTime+5*time.Second {
		t.Errorf("%v after %s", err, time.Since(begun))
	}
	for _, c := range greedy {
		_ = c.Close()
	}
	again := dial("127.0.0.1")
	defer again.Close()
	fmt.Fprint(again, "GET /latest/meta-data/instance-id HTTP/1.0\r\n\r\n")
	if r, err := http.ReadResponse(bufio.NewReader(again), nil); err != nil || text(t, r) != "i-0000000a" {
		t.Errorf("%v, %v", r, err)
	}
	_ = l.Close()
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// guests is a listener whose callers are known by other addresses.
type guests struct {
	net.Listener
	as map[string]string
}

func (g guests) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	return guest{c, &net.TCPAddr{IP: net.ParseIP(g.as[host]), Port: 40000}}, nil
}

type guest struct {
	net.Conn
	from net.Addr
}

func (g guest) RemoteAddr() net.Addr { return g.from }
