package tasks

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
)

// flood repeats a text for so many bytes.
type flood struct {
	text string
	left int64
	at   int
}

func (f *flood) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && f.left > 0 {
		c := copy(p[n:], f.text[f.at:])
		n, f.at, f.left = n+c, (f.at+c)%len(f.text), f.left-int64(c)
	}
	return n, nil
}

// A host that says more than anybody can hold is cut off in bounded memory, whatever
// it says: words without end, one endless line, a field or a section that never
// ends, results of nothing.
func TestHostThatNeverStopsTalking(t *testing.T) {
	begin := talk("@ hello 1\n@ begin 0\n")
	for name, c := range map[string]struct{ head, text string }{
		"one line":     {begin, "x"},
		"a field":      {begin + talk("@ data 0 stdout\n"), "more\n"},
		"fields":       {begin, talk("@ data 0 stdout\nx\n@ data-end 0 stdout\n")},
		"our own mark": {begin, talk("@ begin 7\n@ end 9 ok 0\n")},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			r, err := Read(io.MultiReader(strings.NewReader(c.head), &flood{text: c.text, left: mostReply + 1<<20}), three(t), testMark, Hooks{}, []string{"topsecret"})
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), "said more than") {
				t.Errorf("it is listened to: %v", err)
			}
			if r.Done || len(r.Results) != 1 || r.Results[0].Outcome != Unknown {
				t.Errorf("it is believed: done %v, %d results", r.Done, len(r.Results))
			}
			if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 256<<20 {
				t.Errorf("%d MiB are held", held>>20)
			}
			var b bytes.Buffer
			b.WriteString(r.Results[0].Words)
			if b.Len() > mostWords+len(cutNote) {
				t.Errorf("%d bytes of words", b.Len())
			}
		})
	}
}
