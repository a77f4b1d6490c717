package spelling

import "testing"

func TestNearest(t *testing.T) {
	words := []string{"nodes", "frontends", "storage", "vnet_publicips"}
	for in, want := range map[string]string{
		"node": "nodes", "frontend": "frontends", "storgae": "storage", "vnet_publicip": "vnet_publicips", "x": "", "we": "", "": "", "completely": "", "vn": "",
	} {
		if got := Nearest(in, words); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
	if Distance("kitten", "sitting") != 3 || Distance("", "abc") != 3 || Distance("ü", "u") != 1 {
		t.Error("distance")
	}
}

func TestDidYouMean(t *testing.T) {
	for in, want := range map[string]string{"debgu": `; did you mean "debug"?`, "debug": "", "zz": ""} {
		if got := DidYouMean(in, []string{"copy", "debug"}); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
