package templates

import "eucactl/ordered"

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
	given, _ := ordered.Change(value, func(name string, item any) (string, any, bool, error) {
		return name, Given(item), item != (Omitted{}), nil
	})
	return given
}

func omits(value any) bool {
	return value == (Omitted{}) || ordered.Has(value, omits)
}
