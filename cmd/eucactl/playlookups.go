package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"eucactl/templates"
)

// pipeTime is how long a program of lookup('pipe') may take.
const pipeTime = 5 * time.Minute

// reach is what templates of playbooks may use of this machine.
func (a *app) reach(f *playFlags) templates.Options {
	lookups := map[string]templates.Lookup{"env": a.lookupEnv, "password": a.lookupPassword}
	if f.pipeLookups {
		lookups["pipe"] = a.lookupPipe
	}
	return templates.Options{
		Root: os.DirFS("/"), Stat: os.Stat, Lstat: os.Lstat, Lookups: lookups, Now: time.Now(), Random: rand.Reader,
	}
}

// each looks every term up as text.
func each(terms []any, look func(string) (any, error)) (out []any, err error) {
	for _, t := range terms {
		v, err := look(fmt.Sprint(t))
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// lookupEnv is what the environment says, or else the option default.
func (a *app) lookupEnv(terms []any, options map[string]any) ([]any, error) {
	return each(terms, func(name string) (any, error) {
		v, set := a.environ(name)
		if otherwise := options["default"]; !set && otherwise != nil {
			return otherwise, nil
		}
		return v, nil
	})
}

// getenv is a variable of the environment; empty if it is not set.
func (a *app) getenv(name string) string {
	v, _ := a.environ(name)
	return v
}

// lookupPipe runs programs here, which a playbook may only do where the command
// line says so.
func (a *app) lookupPipe(terms []any, _ map[string]any) ([]any, error) {
	return each(terms, func(line string) (any, error) {
		ctx, cancel := context.WithTimeout(context.Background(), pipeTime)
		defer cancel()
		cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
		var words bytes.Buffer
		cmd.Stderr = &words
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("pipe: %w: %s", err, strings.TrimSpace(words.String()))
		}
		return strings.TrimRight(string(out), "\r\n"), nil
	})
}

// Of passwords that are made here.
const (
	passwordLength  = 20
	passwordLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

// lookupPassword is the password in a file, which is made with the first look.
func (a *app) lookupPassword(terms []any, options map[string]any) ([]any, error) {
	return each(terms, func(term string) (any, error) {
		path, length, letters, err := passwordTerm(term, options)
		if err != nil {
			return nil, err
		}
		if path == "/dev/null" {
			return newPassword(length, letters)
		}
		data, err := os.ReadFile(path)
		if err == nil {
			text, _, _ := strings.Cut(strings.TrimRight(string(data), "\n"), " salt=")
			return text, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		text, err := newPassword(length, letters)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		return text, keepPassword(path, text)
	})
}

// keepPassword writes a new password. If somebody else was quicker, that is an error:
// there must not be two.
func keepPassword(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text + "\n")
	return errors.Join(err, f.Close())
}

// passwordTerm reads "path length=20 chars=ascii_letters,digits".
func passwordTerm(term string, options map[string]any) (path string, length int, letters string, err error) {
	length, letters = passwordLength, passwordLetters
	words := strings.Fields(term)
	if len(words) == 0 {
		return "", 0, "", errors.New("password: the path of its file is missing")
	}
	given := map[string]string{}
	for _, w := range words[1:] {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return "", 0, "", fmt.Errorf("password: %q is not of the form name=value", w)
		}
		given[name] = value
	}
	for name, v := range options {
		given[name] = strings.Trim(fmt.Sprint(v), "[]")
	}
	for name, value := range given {
		switch name {
		case "length":
			if _, err := fmt.Sscan(value, &length); err != nil || length < 1 || length > 1000 {
				return "", 0, "", fmt.Errorf("password: length=%s is not a number from 1 to 1000", value)
			}
		case "chars":
			letters = charset(value)
		default:
			return "", 0, "", fmt.Errorf("password: no option %q; there are length and chars", name)
		}
	}
	return words[0], length, letters, nil
}

// charset are the letters that Python's names stand for, and all others as they are.
func charset(value string) string {
	const lower, digits = "abcdefghijklmnopqrstuvwxyz", "0123456789"
	named := map[string]string{
		"ascii_letters": lower + strings.ToUpper(lower), "ascii_lowercase": lower, "ascii_uppercase": strings.ToUpper(lower),
		"digits": digits, "hexdigits": digits + "abcdefABCDEF", "punctuation": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
	}
	out := ""
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' }) {
		if set, ok := named[part]; ok {
			part = set
		}
		out += part
	}
	if out == "" {
		return passwordLetters
	}
	return out
}

func newPassword(length int, letters string) (string, error) {
	var b strings.Builder
	for range length {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			return "", err
		}
		b.WriteByte(letters[n.Int64()])
	}
	return b.String(), nil
}
