package templates

// Omitted is the value of `omit`: an argument that has it counts as not given.
type Omitted struct{}

// Attr is none: nothing can be asked of what is omitted.
func (Omitted) Attr(string) (any, bool) { return nil, false }

// String is what it prints as, which no argument should be.
func (Omitted) String() string { return "__omit_place_holder__" }

// Given is value without the entries of mappings and the elements of lists that are
// omitted, at any depth. What holds none is given back as it is.
func Given(value any) any {
	if !omits(value) {
		return value
	}
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			if item != (Omitted{}) {
				out[key] = Given(item)
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			if item != (Omitted{}) {
				out = append(out, Given(item))
			}
		}
		return out
	}
	return value
}

func omits(value any) bool {
	switch v := value.(type) {
	case Omitted:
		return true
	case map[string]any:
		for _, item := range v {
			if omits(item) {
				return true
			}
		}
	case []any:
		for _, item := range v {
			if omits(item) {
				return true
			}
		}
	}
	return false
}
