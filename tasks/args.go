package tasks

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"eucactl/ordered"
	"eucactl/spelling"
)

// A Blob is content that an argument names by its sum.
type Blob struct {
	Sum     string
	Content string
	Lazy    bool // may arrive when apply needs it, not before
	Upload  bool // only the sum is known here: it arrives by sftp
}

// Args turns a playbook's named arguments into the positional ones of a kind.
// Text, bool, whole numbers and lists of them become text ("true", "64",
// separated by blanks, or as the parameter's Form says); a parameter called content becomes a Blob and its sum,
// one called upload is a sum already. An argument that is nil counts as not given.
func (l *Library) Args(kind string, named map[string]any) ([]string, []Blob, error) {
	k, err := l.Kind(kind)
	if err != nil {
		return nil, nil, err
	}
	if err := k.knows(named); err != nil {
		return nil, nil, err
	}
	var args []string
	var blobs []Blob
	for _, p := range k.Params {
		value, err := p.given(named)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", k.Name, err)
		}
		if value == nil {
			if p.Required {
				return nil, nil, fmt.Errorf("%s: %s is missing (parameters: %s)", k.Name, p.Name, k.usage())
			}
			args = append(args, p.Default)
			continue
		}
		arg, blob, err := p.arg(value)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %s: %w", k.Name, p.Name, err)
		}
		args = append(args, arg)
		if blob != nil {
			blobs = append(blobs, *blob)
		}
	}
	return args, blobs, nil
}

// given is the value that a playbook gives the parameter under any of its names;
// nil if none.
func (p Param) given(named map[string]any) (value any, err error) {
	by := ""
	for _, name := range p.Names() {
		v := named[name]
		if v == nil {
			continue
		}
		if by != "" {
			return nil, fmt.Errorf("%s and %s are the same: give one", by, name)
		}
		value, by = v, name
	}
	return value, nil
}

func (k Kind) knows(named map[string]any) error {
	var known []string
	for _, p := range k.Params {
		known = append(known, p.Names()...)
	}
	var unknown []string
	for name := range named {
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return fmt.Errorf("%s has no parameter %q%s (parameters: %s)",
		k.Name, unknown[0], spelling.DidYouMean(unknown[0], known), k.usage())
}

func (k Kind) usage() string {
	var words []string
	for _, p := range k.Params {
		switch {
		case p.Required:
			words = append(words, p.Name)
		default:
			words = append(words, p.Name+"="+p.Default)
		}
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

func (p Param) arg(value any) (string, *Blob, error) {
	switch p.Name {
	case "content":
		s, ok := value.(string)
		if !ok {
			return "", nil, fmt.Errorf("must be text, not %T", value)
		}
		sum := Sum(s)
		return sum, &Blob{Sum: sum, Content: s, Lazy: p.Lazy}, nil
	case "upload":
		s, ok := value.(string)
		if !ok || !IsSum(s) {
			return "", nil, fmt.Errorf("must be the sha256 of what is sent, not %v", value)
		}
		return s, &Blob{Sum: s, Upload: true}, nil
	case "path":
		s, ok := value.(string)
		if !ok || !strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "~") {
			return "", nil, fmt.Errorf("must be an absolute path, not %v", value)
		}
	}
	s, err := p.text(value)
	return s, nil, err
}

// text is a value as the one argument that the parameter is.
func (p Param) text(value any) (string, error) {
	switch {
	case octalDefault.MatchString(p.Default):
		return modeText(value)
	case p.Name == "mode" || strings.HasSuffix(p.Name, "_mode"):
		// A number is what YAML makes of 0644; text may say u+x.
		if _, number := whole(value); number {
			return modeText(value)
		}
	case p.Default == "true" || p.Default == "false":
		return truthText(value)
	case p.Form == Lines:
		return linesText(value)
	case p.Form == Pairs:
		return pairsText(value)
	case p.Form == AnyJSON:
		return jsonText(value)
	case p.Form == Regex:
		s, err := argText(value)
		if err != nil || s == "" {
			return "", err
		}
		return expression(s)
	}
	return argText(value)
}

// truthText takes all of YAML 1.1's words for a boolean.
func truthText(value any) (string, error) {
	if n, ok := whole(value); ok && (n == 0 || n == 1) {
		return strconv.FormatBool(n == 1), nil
	}
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v), nil
	case string:
		switch strings.ToLower(v) {
		case "true", "yes", "on", "1", "y", "t":
			return "true", nil
		case "false", "no", "off", "0", "n", "f", "":
			return "false", nil
		}
	}
	return "", fmt.Errorf("must be true or false, not %v", value)
}

// linesText is an item a line; one text is cut at commas, as Ansible does.
func linesText(value any) (string, error) {
	items, ok := value.([]any)
	switch v := value.(type) {
	case []string:
		for _, s := range v {
			items = append(items, s)
		}
	case string:
		for one := range strings.SplitSeq(v, ",") {
			if one = strings.TrimSpace(one); one != "" {
				items = append(items, one)
			}
		}
	default:
		if !ok {
			items = []any{value}
		}
	}
	var lines []string
	for i, item := range items {
		s, err := argText(item)
		if err != nil {
			return "", fmt.Errorf("item %d: %w", i+1, err)
		}
		if strings.ContainsRune(s, '\n') {
			return "", fmt.Errorf("item %d, %q, is more than one line", i+1, s)
		}
		lines = append(lines, s)
	}
	return strings.Join(lines, "\n"), nil
}

// pairsText is a line of key=value for each key, in order.
func pairsText(value any) (string, error) {
	m, ok := ordered.Names(value)
	if !ok {
		return "", fmt.Errorf("must be a mapping, not %T (%v)", value, value)
	}
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		s, err := argText(m[key])
		if err != nil {
			return "", fmt.Errorf("%s: %w", key, err)
		}
		if strings.ContainsAny(key, "=\n") || strings.ContainsRune(s, '\n') {
			return "", fmt.Errorf("%s: neither a name nor a value may have more than one line, nor a name a =", key)
		}
		lines = append(lines, key+"="+s)
	}
	return strings.Join(lines, "\n"), nil
}

func jsonText(value any) (string, error) {
	b, err := json.Marshal(value)
	return string(b), err
}

// A parameter whose default looks like a file mode takes file modes.
var (
	octalDefault = regexp.MustCompile(`^0[0-7]{3}$`)
	octal        = regexp.MustCompile(`^[0-7]{1,4}$`)
)

// modeText takes a mode as text, or as the number that YAML makes of 0644: 420.
func modeText(value any) (string, error) {
	s, isText := value.(string)
	if n, ok := whole(value); ok {
		s, isText = fmt.Sprintf("%04o", n), true
	}
	if !isText || !octal.MatchString(s) {
		return "", fmt.Errorf("must be an octal mode such as \"0644\", not %v", value)
	}
	return s, nil
}

func argText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			return "", fmt.Errorf("a NUL byte cannot be an argument")
		}
		return v, nil
	case []any:
		return listText(v)
	case []string:
		items := make([]any, len(v))
		for i, s := range v {
			items[i] = s
		}
		return listText(items)
	case bool:
		return strconv.FormatBool(v), nil
	}
	if n, ok := whole(value); ok {
		return strconv.FormatInt(n, 10), nil
	}
	if f, ok := value.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64), nil
	}
	return "", fmt.Errorf("must be text, true or false, a number or a list of them, not %T (%v)", value, value)
}

func listText(items []any) (string, error) {
	var words []string
	for i, item := range items {
		switch item.(type) {
		case []any, []string:
			return "", fmt.Errorf("item %d is a list in a list", i+1)
		}
		s, err := argText(item)
		if err != nil {
			return "", fmt.Errorf("item %d: %w", i+1, err)
		}
		if s == "" || strings.ContainsFunc(s, unicode.IsSpace) {
			return "", fmt.Errorf("item %d, %q, is empty or contains blanks", i+1, s)
		}
		words = append(words, s)
	}
	return strings.Join(words, " "), nil
}

func whole(value any) (int64, bool) {
	switch v := value.(type) {
	case int:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	case uint64:
		return int64(v), v <= math.MaxInt64
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	}
	return 0, false
}
