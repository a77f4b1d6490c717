package ordered_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"eucactl/ordered"

	"github.com/google/go-cmp/cmp"
)

func of(t *testing.T, pairs ...any) *ordered.Map {
	t.Helper()
	m := ordered.New()
	for i := 0; i < len(pairs); i += 2 {
		if err := m.Set(pairs[i], pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestMapKeepsOrder(t *testing.T) {
	m := of(t, "z", 1, "a", []any{"x"}, int64(2), of(t, "q", nil), true, "yes", 2.0, "again")
	m.Delete("a")
	if got, want := m.Keys(), []any{"z", int64(2), true}; !cmp.Equal(got, want) {
		t.Errorf("keys %v, not %v", got, want)
	}
	text, err := json.Marshal(map[string]any{"m": m, "none": ordered.New()})
	if want := `{"m":{"z":1,"2":"again","true":"yes"},"none":{}}`; err != nil || string(text) != want {
		t.Errorf("%s, not %s (%v)", text, want, err)
	}
	if v, ok := m.Get(2); !ok || v != "again" {
		t.Errorf("%v under 2", v)
	}
	for _, key := range []any{[]any{}, map[string]any{}, m} {
		if m.Set(key, 1) == nil {
			t.Errorf("%v is a key", key)
		}
	}
}

func TestWalks(t *testing.T) {
	deep := of(t, "b", []any{"1", of(t, "c", "2")}, "a", map[string]any{"y": "4", "x": "3"})
	var seen []string
	var visit func(name string, item any)
	visit = func(name string, item any) {
		if text, ok := item.(string); ok {
			seen = append(seen, name+text)
		}
		ordered.Each(item, visit)
	}
	ordered.Each(deep, visit)
	if want := []string{"1", "c2", "x3", "y4"}; !slices.Equal(seen, want) {
		t.Errorf("seen %v, not %v", seen, want)
	}
	var double func(item any) (any, error)
	double = func(item any) (any, error) {
		if text, ok := item.(string); ok {
			return text + text, nil
		}
		return ordered.Apply(item, double)
	}
	got, err := ordered.Apply(deep, double)
	text, _ := json.Marshal(got)
	if want := `{"b":["11",{"c":"22"}],"a":{"x":"33","y":"44"}}`; err != nil || string(text) != want {
		t.Errorf("%s, not %s (%v)", text, want, err)
	}
	broken := errors.New("broken")
	for _, v := range []any{deep, []any{1}, map[string]any{"a": 1}} {
		if _, err := ordered.Apply(v, func(any) (any, error) { return nil, broken }); !errors.Is(err, broken) {
			t.Errorf("%v: %v", v, err)
		}
	}
	less, _ := ordered.Change([]any{1, 2}, func(_ string, item any) (string, any, bool, error) { return "", item, item == 2, nil })
	if !cmp.Equal(less, []any{2}) {
		t.Errorf("left %v", less)
	}
}
