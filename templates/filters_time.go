package templates

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"eucactl/jinja"
)

// timeFilters read and write times. The present comes from the options.
func (s *Set) timeFilters() map[string]jinja.Filter {
	return map[string]jinja.Filter{
		"strftime": jinja.F("second utc", s.strftime),
		"to_datetime": jinja.F("format", func(c *jinja.Call) (any, error) {
			t, err := parseTime(c.InText(), c.Text(0, "%Y-%m-%d %H:%M:%S"))
			return datetime{t}, err
		}),
	}
}

// strftime writes a second since 1970, or the present, in the format that is the input.
func (s *Set) strftime(c *jinja.Call) (any, error) {
	t := s.options.Now
	if c.Arg(0, nil) != nil {
		t = time.UnixMicro(int64(c.Float(0, 0) * 1e6)).In(s.zone())
	} else if t.IsZero() {
		return nil, errors.New("give a second since 1970: there is no clock here")
	}
	if c.Bool(1, false) {
		t = t.UTC()
	}
	return formatTime(t, c.InText())
}

// zone is where the clock is; UTC without one.
func (s *Set) zone() *time.Location {
	if s.options.Now.IsZero() {
		return time.UTC
	}
	return s.options.Now.Location()
}

// now is the function of that name.
func (s *Set) now(c *jinja.Call) (any, error) {
	c.Take("utc fmt")
	t := s.options.Now
	if t.IsZero() {
		return nil, errors.New("there is no clock here for now()")
	}
	if c.Bool(0, false) {
		t = t.UTC()
	}
	if c.Arg(1, nil) != nil {
		return formatTime(t, c.Text(1, ""))
	}
	return datetime{t}, nil
}

// directives are the layouts in Go's words of what stands behind % in Python's.
var directives = map[byte]string{'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'b': "Jan", 'h': "Jan",
	'B': "January", 'a': "Mon", 'A': "Monday", 'I': "03", 'p': "PM", 'j': "002", 'Z': "MST", 'z': "-0700", 'f': ".000000",
	'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06", 'R': "15:04", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06",
	'X': "15:04:05", 'e': "_2", 'k': "15", 'l': "3"}

func formatTime(t time.Time, format string) (any, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch ch := format[i]; ch {
		case '%':
			b.WriteByte('%')
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 's':
			fmt.Fprint(&b, t.Unix())
		case 'f':
			fmt.Fprintf(&b, "%06d", t.Nanosecond()/1000)
		case 'u':
			fmt.Fprint(&b, (int(t.Weekday())+6)%7+1)
		case 'w':
			fmt.Fprint(&b, int(t.Weekday()))
		case 'V', 'G':
			year, week := t.ISOWeek()
			fmt.Fprintf(&b, map[byte]string{'V': "%02d", 'G': "%04d"}[ch], map[byte]int{'V': week, 'G': year}[ch])
		case 'C':
			fmt.Fprintf(&b, "%02d", t.Year()/100)
		default:
			layout, ok := directives[ch]
			if !ok {
				return nil, fmt.Errorf("no format %q", format[i-1:i+1])
			}
			b.WriteString(t.Format(layout))
		}
		if b.Len() > maxFile {
			return nil, errors.New("a time of too many letters")
		}
	}
	return b.String(), nil
}

func parseTime(text, format string) (time.Time, error) {
	var layout strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			layout.WriteByte(format[i])
			continue
		}
		i++
		piece, ok := directives[format[i]]
		switch {
		case format[i] == '%':
			piece, ok = "%", true
		case format[i] == 'f':
			piece, ok = strings.TrimPrefix(".000000", "."), true
			if n := layout.Len(); n > 0 && layout.String()[n-1] == '.' {
				piece = "999999"
			}
		}
		if !ok {
			return time.Time{}, fmt.Errorf("no format %q", format[i-1:i+1])
		}
		layout.WriteString(piece)
	}
	t, err := time.Parse(layout.String(), text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is no time as %s", shown(text), shown(format))
	}
	return t, nil
}

// datetime is Python's datetime.
type datetime struct{ time.Time }

// Kind is what type_debug calls it.
func (datetime) Kind() string { return "datetime" }

func (d datetime) String() string {
	out := d.Format("2006-01-02 15:04:05")
	if us := d.Nanosecond() / 1000; us > 0 {
		out += fmt.Sprintf(".%06d", us)
	}
	if d.Location() != time.UTC {
		out += d.Format("-07:00")
	}
	return out
}

func (d datetime) iso() string { return strings.Replace(d.String(), " ", "T", 1) }

// Attr is a part of it, or a method.
func (d datetime) Attr(name string) (any, bool) {
	switch name {
	case "year":
		return int64(d.Year()), true
	case "month":
		return int64(d.Month()), true
	case "day":
		return int64(d.Day()), true
	case "hour":
		return int64(d.Hour()), true
	case "minute":
		return int64(d.Minute()), true
	case "second":
		return int64(d.Second()), true
	case "microsecond":
		return int64(d.Nanosecond() / 1000), true
	case "strftime":
		return jinja.Function(func(c *jinja.Call) (any, error) { c.Take("format"); return formatTime(d.Time, c.Text(0, "")) }), true
	case "timestamp":
		return jinja.Function(func(*jinja.Call) (any, error) { return float64(d.UnixMicro()) / 1e6, nil }), true
	case "isoformat":
		return jinja.Function(func(*jinja.Call) (any, error) { return d.iso(), nil }), true
	case "weekday":
		return jinja.Function(func(*jinja.Call) (any, error) { return int64((int(d.Weekday()) + 6) % 7), nil }), true
	case "date":
		return jinja.Function(func(*jinja.Call) (any, error) { return d.Format("2006-01-02"), nil }), true
	}
	return nil, false
}

// Compare orders times.
func (d datetime) Compare(other any) (int, bool) {
	o, ok := other.(datetime)
	if !ok {
		return 0, false
	}
	return d.Time.Compare(o.Time), true
}

// Add adds a duration, or takes one or another time away.
func (d datetime) Add(other any, minus bool) (any, error) {
	switch o := other.(type) {
	case timedelta:
		if minus {
			o = -o
		}
		return datetime{d.Time.Add(time.Duration(o))}, nil
	case datetime:
		if minus {
			return timedelta(d.Sub(o.Time)), nil
		}
	}
	return nil, fmt.Errorf("a time and %s cannot be reckoned together", describe(other))
}

// timedelta is Python's timedelta.
type timedelta time.Duration

// Kind is what type_debug calls it.
func (timedelta) Kind() string { return "timedelta" }

// parts are days, which may be below zero, and the seconds and microseconds on top.
func (d timedelta) parts() (days, seconds, micros int64) {
	total := time.Duration(d).Microseconds()
	const day = 24 * 3600 * 1e6
	days = total / day
	if total%day < 0 {
		days--
	}
	total -= days * day
	return days, total / 1e6, total % 1e6
}

func (d timedelta) String() string {
	days, s, us := d.parts()
	out := fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	if us > 0 {
		out += fmt.Sprintf(".%06d", us)
	}
	switch days {
	case 0:
		return out
	case 1, -1:
		return strconv.FormatInt(days, 10) + " day, " + out
	}
	return strconv.FormatInt(days, 10) + " days, " + out
}

// Attr is a part of it, or total_seconds.
func (d timedelta) Attr(name string) (any, bool) {
	days, seconds, micros := d.parts()
	switch name {
	case "days":
		return days, true
	case "seconds":
		return seconds, true
	case "microseconds":
		return micros, true
	case "total_seconds":
		return jinja.Function(func(*jinja.Call) (any, error) { return time.Duration(d).Seconds(), nil }), true
	}
	return nil, false
}

// Compare orders durations.
func (d timedelta) Compare(other any) (int, bool) {
	o, ok := other.(timedelta)
	if !ok {
		return 0, false
	}
	return int(max(min(d-o, 1), -1)), true
}

// Add adds a duration, or takes one away.
func (d timedelta) Add(other any, minus bool) (any, error) {
	switch o := other.(type) {
	case timedelta:
		if minus {
			return d - o, nil
		}
		return d + o, nil
	case datetime:
		if !minus {
			return o.Add(d, false)
		}
	}
	return nil, fmt.Errorf("a duration and %s cannot be reckoned together", describe(other))
}
