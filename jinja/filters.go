package jinja

import "maps"

// Filters are Jinja2's own filters, but for random, which needs dice.
func Filters() map[string]Filter {
	all := map[string]Filter{
		"attr":     F("name", func(c *Call) (any, error) { return attrOnly(c.In, c.Text(0, "")), nil }),
		"batch":    F("linecount fill_with", filterBatch),
		"default":  LazyF("default_value boolean", filterDefault),
		"dictsort": F("case_sensitive by reverse", filterDictsort),
		"first":    F("", func(c *Call) (any, error) { return end(c, "first", 0) }),
		"groupby":  F("attribute default case_sensitive", filterGroupby),
		"items":    F("", func(c *Call) (any, error) { return c.entries() }),
		"join":     F("d attribute", filterJoin),
		"last":     F("", func(c *Call) (any, error) { return end(c, "last", -1) }),
		"length":   F("", filterLength),
		"list":     F("", func(c *Call) (any, error) { return append([]any{}, c.InList()...), nil }),
		"map":      F("* **", filterMap),
		"max":      F("case_sensitive attribute", func(c *Call) (any, error) { return extreme(c, 1) }),
		"min":      F("case_sensitive attribute", func(c *Call) (any, error) { return extreme(c, -1) }),
		"reject":   F("* **", func(c *Call) (any, error) { return chosen(c, false, false) }),
		"rejectattr": F("* **", func(c *Call) (any, error) {
			return chosen(c, true, false)
		}),
		"reverse": F("", filterReverse),
		"select":  F("* **", func(c *Call) (any, error) { return chosen(c, false, true) }),
		"selectattr": F("* **", func(c *Call) (any, error) {
			return chosen(c, true, true)
		}),
		"slice":  F("slices fill_with", filterSlice),
		"sort":   F("reverse case_sensitive attribute", filterSort),
		"sum":    F("attribute start", filterSum),
		"unique": F("case_sensitive attribute", filterUnique),
	}
	maps.Copy(all, textFilters())
	maps.Copy(all, numberFilters())
	all["count"], all["d"], all["e"] = all["length"], all["default"], all["escape"]
	return all
}

func textFilters() map[string]Filter {
	return map[string]Filter{
		"capitalize":  onText(func(s string) string { return changeCase("capitalize", s) }),
		"center":      F("width", filterCenter),
		"escape":      onText(escape),
		"forceescape": onText(escape),
		"format":      F("* **", filterFormat),
		"indent":      F("width first blank", filterIndent),
		"lower":       onText(func(s string) string { return changeCase("lower", s) }),
		"pprint":      F("", func(c *Call) (any, error) { return Repr(c.In) }),
		"replace":     F("old new count", func(c *Call) (any, error) { return replaced(c, c.InText()) }),
		"safe":        onText(func(s string) string { return s }),
		"string":      onText(func(s string) string { return s }),
		"striptags":   onText(stripTags),
		"title":       onText(title),
		"trim":        F("chars", filterTrim),
		"truncate":    F("length killwords end leeway", filterTruncate),
		"upper":       onText(func(s string) string { return changeCase("upper", s) }),
		"urlencode":   F("", filterURLEncode),
		"wordcount":   F("", filterWordcount),
		"wordwrap":    F("width break_long_words wrapstring break_on_hyphens", filterWordwrap),
		"xmlattr":     F("autospace", filterXMLAttr),
	}
}

func numberFilters() map[string]Filter {
	return map[string]Filter{
		"abs":            F("", filterAbs),
		"filesizeformat": F("binary", filterFileSize),
		"float":          F("default", filterFloat),
		"int":            F("default base", filterInt),
		"round":          F("precision method", filterRound),
	}
}

func onText(f func(string) string) Filter {
	return F("", func(c *Call) (any, error) { return f(c.InText()), nil })
}

// filterDefault replaces what is undefined, and with boolean=true what is not true.
// It does not hide errors of another kind, nor replace none.
func filterDefault(c *Call) (any, error) {
	err, broken := c.In.(error)
	if broken {
		if _, undefined := err.(*Undefined); !undefined {
			return nil, err
		}
		return c.Arg(0, ""), nil
	}
	boolean := c.Arg(1, false)
	if err := usable(boolean); err != nil {
		return nil, err
	}
	if Truth(boolean) && !Truth(c.In) {
		return c.Arg(0, ""), nil
	}
	return c.In, nil
}

// attrOnly is an attribute, but no entry.
func attrOnly(v any, name string) any {
	if o, ok := v.(Object); ok {
		if a, ok := o.Attr(name); ok {
			return a
		}
	}
	if m := methodOf(v, name); m != nil {
		return m
	}
	return missing(v, name)
}
