package main

import (
	"context"
	"errors"
	"fmt"
)

// secret asks for a password.
func (a *app) secret(prompt string) (string, error) {
	fmt.Fprint(a.err, prompt)
	text, err := a.readLine(context.Background(), true)
	if err == nil && text == "" {
		err = errors.New("the password is empty")
	}
	return text, err
}

// becomePassword is the one for sudo, if it takes one.
func (f *playFlags) becomePassword(a *app) (string, error) {
	switch {
	case f.askBecome:
		return a.secret("BECOME password: ")
	case f.becomeFile != "":
		return passwordIn("password of sudo", f.becomeFile)
	}
	return "", nil
}
