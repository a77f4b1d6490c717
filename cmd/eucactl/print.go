package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"gopkg.in/yaml.v3"
)

// printer writes euca2ools' rows: the record type first, fields between tabs.
type printer struct {
	out   io.Writer
	quiet bool
}

// row prints a record; id is what -q prints of it, "" if it has none of its own.
func (p *printer) row(id string, fields ...string) {
	if p.quiet {
		if id != "" {
			fmt.Fprintln(p.out, id)
		}
		return
	}
	for i, f := range fields {
		fields[i] = oneLine(f)
	}
	fmt.Fprintln(p.out, strings.Join(fields, "\t"))
}

// oneLine keeps text from breaking rows or steering a terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// harmless keeps lines but nothing that steers a terminal: hosts and guests choose
// these words.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func addr(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// print gives the value in the chosen format, or its rows.
func (a *app) print(value any, rows func(*printer)) error {
	switch a.format {
	case "":
		rows(&printer{out: a.out, quiet: a.quiet})
		return nil
	case "json":
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		return enc.Encode(value)
	}
	return a.yaml(value)
}

// yaml prints what JSON would say, in YAML, with the keys in the same order.
func (a *app) yaml(value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(escaped(string(text))), &node); err != nil {
		return err
	}
	block(&node)
	enc := yaml.NewEncoder(a.out)
	enc.SetIndent(2)
	if err := enc.Encode(&node); err != nil {
		return err
	}
	return enc.Close()
}

// escaped is JSON whose strings have as escapes what YAML's reader does not take.
func escaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsPrint(r) || r == '\n':
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// block undoes JSON's flow style and quotes.
func block(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		block(c)
	}
}
