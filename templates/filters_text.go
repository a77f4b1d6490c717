package templates

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"eucactl/jinja"
)

// textFilters are Ansible's filters over text.
func textFilters() map[string]jinja.Filter {
	return map[string]jinja.Filter{
		"comment": jinja.F("style **", comment),
		"quote": do(func(c *jinja.Call) (any, error) {
			if c.In == nil {
				return quote(""), nil
			}
			return quote(c.InText()), nil
		}),
		"regex_escape":  jinja.F("re_type", regexEscape),
		"regex_findall": jinja.F("regex multiline ignorecase", regexFindall),
		"regex_replace": jinja.F("pattern replacement ignorecase multiline", regexReplace),
		"regex_search":  jinja.F("regex * **", regexSearch),
		"split":         jinja.F("sep maxsplit", split),
		"urldecode":     do(urlDecode),
		"urlsplit":      jinja.F("query", urlSplit),
	}
}

// quote is one word for sh, in quotes if it needs them.
func quote(s string) string {
	if s == "" {
		return "''"
	}
	if only(s, "@%+=:,./-_") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

func split(c *jinja.Call) (any, error) {
	if _, ok := c.In.(string); !ok {
		return nil, fmt.Errorf("%s is not a text", describe(c.In))
	}
	var args []any
	if c.Has(0) {
		args = append(args, c.Args[0])
	}
	if c.Has(1) {
		args = append(args, c.Args[1])
	}
	return c.Method("split", args)
}

// commentStyles are how comments of a style begin, continue and end.
var commentStyles = map[string]map[string]string{
	"plain":  {"decoration": "# "},
	"erlang": {"decoration": "% "},
	"c":      {"decoration": "// "},
	"cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
	"xml":    {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}

func comment(c *jinja.Call) (any, error) {
	style, ok := commentStyles[c.Text(0, "plain")]
	if !ok {
		return nil, fmt.Errorf("no style %s: it is plain, erlang, c, cblock or xml", shown(c.Text(0, "")))
	}
	p := map[string]string{"newline": "\n", "prefix_count": "1", "postfix_count": "1"}
	for key, v := range style {
		p[key] = v
	}
	if v, ok := c.Named.Get("decoration"); ok {
		p["decoration"] = jinja.Str(v)
	}
	p["prefix"] = strings.TrimRight(p["decoration"], " \t")
	p["postfix"] = p["prefix"]
	for _, key := range c.Named.Keys() {
		name := jinja.Str(key)
		if !strings.Contains(" newline beginning prefix prefix_count decoration postfix postfix_count end ", " "+name+" ") {
			return nil, fmt.Errorf("it takes no %s", shown(name))
		}
		v, _ := c.Named.Get(key)
		p[name] = jinja.Str(v)
	}
	before, err := strconv.Atoi(p["prefix_count"])
	after, err2 := strconv.Atoi(p["postfix_count"])
	if err = errors.Join(err, err2); err != nil || before > 1000 || after > 1000 {
		return nil, errors.New("prefix_count and postfix_count are small numbers")
	}
	return commented(c.OnlyText(), p, max(before, 0), max(after, 0)), nil
}

func commented(text string, p map[string]string, before, after int) string {
	nl, mark := p["newline"], p["decoration"]
	var b strings.Builder
	if p["beginning"] != "" {
		b.WriteString(p["beginning"] + nl)
	}
	if prefix := p["prefix"]; prefix != "" {
		if prefix != nl {
			prefix += nl
		}
		b.WriteString(strings.Repeat(prefix, before))
	}
	body := mark + strings.ReplaceAll(text, nl, nl+mark)
	b.WriteString(strings.ReplaceAll(body, mark+nl, strings.TrimRight(mark, " \t")+nl))
	b.WriteString(strings.Repeat(nl+p["postfix"], after))
	if p["end"] != "" {
		b.WriteString(nl + p["end"])
	}
	return b.String()
}

func urlDecode(c *jinja.Call) (any, error) {
	s, err := url.QueryUnescape(c.OnlyText())
	if err != nil {
		return nil, fmt.Errorf("%s is not URL-encoded", shown(c.OnlyText()))
	}
	return s, nil
}

// urlParts is a URL cut as Python's urlsplit cuts it.
var urlParts = regexp.MustCompile(`^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$`)

// urlSplit takes a URL apart, into all of its parts or one.
func urlSplit(c *jinja.Call) (any, error) {
	m := urlParts.FindStringSubmatch(strings.NewReplacer("\n", "", "\r", "", "\t", "").Replace(strings.TrimSpace(c.OnlyText())))
	if m == nil {
		return nil, fmt.Errorf("%s is no URL", shown(c.OnlyText()))
	}
	netloc := m[2]
	parts := jinja.NewDict()
	set := func(key string, v any, has bool) {
		if !has {
			v = nil
		}
		_ = parts.Set(key, v) // a text can be a key
	}
	user, host, hasUser := "", netloc, false
	if i := strings.LastIndexByte(netloc, '@'); i >= 0 {
		user, host, hasUser = netloc[:i], netloc[i+1:], true
	}
	user, password, hasPassword := strings.Cut(user, ":")
	port := ""
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host, port = host[:i], host[i+1:]
	}
	host = strings.Trim(host, "[]")
	number, err := strconv.ParseUint(port, 10, 16)
	if port != "" && err != nil {
		return nil, fmt.Errorf("%s is no port", shown(port))
	}
	set("fragment", m[5], true)
	set("hostname", strings.ToLower(host), host != "")
	set("netloc", netloc, true)
	set("password", password, hasPassword)
	set("path", m[3], true)
	set("port", int64(number), port != "")
	set("query", m[4], true)
	set("scheme", strings.ToLower(m[1]), true)
	set("username", user, hasUser)
	if !c.Has(0) || c.Text(0, "") == "" {
		return parts, nil
	}
	v, ok := parts.Get(c.Text(0, ""))
	if !ok {
		return nil, fmt.Errorf("a URL has no part %s", shown(c.Text(0, "")))
	}
	return v, nil
}
