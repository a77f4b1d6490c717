package sim

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// TestHistories plays 2,000 histories, or as many as EUCACTL_HISTORIES says, from the
// seed EUCACTL_SEED.
//
// proves A25 A29 A81
func TestHistories(t *testing.T) {
	n, seed := number(t, "EUCACTL_HISTORIES", 2000), number(t, "EUCACTL_SEED", 1)
	st, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	begin := time.Now()
	tally, err := st.Seek(t.Context(), uint64(seed), n, nil)
	t.Log(tally.In(time.Since(begin)))
	if err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
