package controller

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"time"

	"eucactl/cloud"
	"eucactl/plan"
	"eucactl/state"
)

// verb is one word of the cloud's language. run gets the records, as a transaction
// if the verb mutates; prepare, if set, does slow work on the request beforehand.
type verb struct {
	mutates bool
	prepare func(ctx context.Context, c *Controller, body []byte, check bool) ([]byte, error)
	run     func(t *turn, body []byte) (any, error)
}

// ask is a verb that only reads, change one that writes.
func ask[Req, Resp any](f func(*turn, Req) (Resp, error)) verb {
	return verb{run: decoded(f)}
}

func change[Req, Resp any](f func(*turn, Req) (Resp, error)) verb {
	return verb{mutates: true, run: decoded(f)}
}

func decoded[Req, Resp any](f func(*turn, Req) (Resp, error)) func(*turn, []byte) (any, error) {
	return func(t *turn, body []byte) (any, error) {
		var req Req
		if err := json.Unmarshal(body, &req); err != nil {
			return nil, cloud.Errorf("MalformedQueryString", "request: %v", err)
		}
		return f(t, req)
	}
}

// verbs are all that can be asked of the records, by EC2's names where it has them.
func verbs() map[string]verb {
	register := change(registerImage)
	register.prepare = inspectImage
	return map[string]verb{
		"CreateUser":                    change(createUser),
		"DescribeUsers":                 ask(describeUsers),
		"RegisterImage":                 register,
		"DeregisterImage":               change(deregisterImage),
		"DescribeImages":                ask(describeImages),
		"ImportKeyPair":                 change(importKeyPair),
		"DeleteKeyPair":                 change(deleteKeyPair),
		"DescribeKeyPairs":              ask(describeKeyPairs),
		"CreateSecurityGroup":           change(createGroup),
		"DeleteSecurityGroup":           change(deleteGroup),
		"DescribeSecurityGroups":        ask(describeGroups),
		"AuthorizeSecurityGroupIngress": change(authorize),
		"RevokeSecurityGroupIngress":    change(revoke),
		"RunInstances":                  change(runInstances),
		"DescribeInstances":             ask(describeInstances),
		"RebootInstances":               change(rebootInstances),
		"TerminateInstances":            change(terminateInstances),
		"AllocateAddress":               change(allocateAddress),
		"AssociateAddress":              change(associateAddress),
		"DisassociateAddress":           change(disassociateAddress),
		"ReleaseAddress":                change(releaseAddress),
		"DescribeAddresses":             ask(describeAddresses),
		"DescribeAvailabilityZones":     ask(describeZones),
		"DescribeInstanceTypes":         ask(describeTypes),
		"ModifyInstanceType":            change(modifyType),
		"DescribeHosts":                 ask(describeHosts),
		"DeclareDead":                   change(declareDead),
		"TakeOver":                      change(takeOver),
	}
}

// Verbs lists the verbs' names.
func Verbs() (names []string) {
	for name := range verbs() {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Call is a request to carry out a verb. With Check nothing is written: the answer
// is what it would be.
type Call struct {
	Verb   string          `json:"verb"`
	Caller Caller          `json:"caller"`
	Check  bool            `json:"check,omitempty"`
	Body   json.RawMessage `json:"body"`

	sum string // of the request as it was asked
}

// Answer is what a call was answered. Touched are the hosts that are to be
// something else than before; Plans, in a check, what they would be.
type Answer struct {
	Body    json.RawMessage      `json:"body"`
	Touched []string             `json:"touched,omitempty"`
	Plans   map[string]plan.Host `json:"plans,omitempty"`

	again bool // it was given before, to the same request
}

// errChecked aborts the transaction of a check.
var errChecked = errors.New("checked only")

// Do carries out a verb.
func (c *Controller) Do(ctx context.Context, call Call) (Answer, error) {
	v, ok := verbs()[call.Verb]
	if !ok {
		return Answer{}, cloud.Errorf("InvalidAction", "there is no verb %s", call.Verb)
	}
	if !v.mutates {
		return c.read(v, call)
	}
	call.sum = fmt.Sprintf("%x", sha256.Sum256(call.Body))
	if v.prepare != nil {
		return c.writePrepared(ctx, v, call)
	}
	return c.write(v, call)
}

// writePrepared does the slow work of a verb only if the records have nothing
// against it, so that what is refused leaves nothing behind.
func (c *Controller) writePrepared(ctx context.Context, v verb, call Call) (Answer, error) {
	dry := call
	dry.Check = true
	out, err := c.write(v, dry)
	if err != nil || out.again {
		return out, err
	}
	c.files.Lock()
	defer c.files.Unlock()
	if call.Body, err = v.prepare(ctx, c, call.Body, call.Check); err != nil {
		return Answer{}, err
	}
	return c.write(v, call)
}

func (c *Controller) read(v verb, call Call) (Answer, error) {
	t := &turn{Tx: c.Store.View(), c: c, user: call.Caller.User, now: c.Now()}
	if err := t.known(); err != nil {
		return Answer{}, err
	}
	resp, err := v.run(t, call.Body)
	if err != nil {
		return Answer{}, err
	}
	return answer(resp)
}

func (t *turn) known() error {
	if _, ok := t.User(t.user); !ok {
		return cloud.Errorf("AuthFailure", "there is no user %q: see eucactl describe-users", t.user)
	}
	return nil
}

// orEmpty makes an empty list of none: in JSON it is [], which scripts can walk.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func answer(resp any) (Answer, error) {
	body, err := json.Marshal(resp)
	return Answer{Body: body}, err
}

// write runs the verb in a transaction, with its answer kept under the client's
// token in the same transaction, and finds the hosts that it touches.
func (c *Controller) write(v verb, call Call) (out Answer, err error) {
	before := c.compileAll(c.Store.View())
	actor := state.Actor{User: call.Caller.User, Verb: call.Verb, Time: c.Now()}
	_, err = c.Store.Update(actor, func(tx *state.Tx) error {
		t := &turn{Tx: tx, c: c, user: call.Caller.User, now: actor.Time}
		if err := t.known(); err != nil {
			return err
		}
		if out, err = t.answered(call); err != nil || out.again {
			return err
		}
		if err := c.kept(tx); err != nil {
			return err
		}
		resp, err := v.run(t, call.Body)
		if err != nil {
			return err
		}
		if out, err = answer(resp); err != nil {
			return err
		}
		out.Touched, out.Plans = c.touched(before, tx)
		if call.Check {
			return errChecked
		}
		out.Plans = nil
		return t.keepAnswer(call, out)
	})
	if errors.Is(err, errChecked) {
		err = nil
	}
	return out, err
}

// answered finds what the same request, by its token, was answered before.
func (t *turn) answered(call Call) (out Answer, err error) {
	if call.Caller.Token == "" {
		return out, nil
	}
	if len(call.Caller.Token) > maxToken {
		return out, cloud.Errorf("InvalidParameterValue", "client token %.20q... is longer than %d characters", call.Caller.Token, maxToken)
	}
	old, ok := t.Answer(t.user + "/" + call.Caller.Token)
	if !ok {
		return out, nil
	}
	if old.Verb != call.Verb || old.Request != call.sum {
		return out, cloud.Errorf("IdempotentParameterMismatch", "client token %q was used for another request", call.Caller.Token)
	}
	out.again = true
	return out, json.Unmarshal(old.Body, &out)
}

// keepAnswer keeps it whole: whoever asks again also learns which hosts to bring to
// it, since the first asker may have gone before it could.
func (t *turn) keepAnswer(call Call, out Answer) error {
	if call.Caller.Token == "" {
		return nil
	}
	body, err := json.Marshal(out)
	t.PutAnswer(cloud.Answer{
		Token: t.user + "/" + call.Caller.Token, Verb: call.Verb, Request: call.sum, Body: body, When: t.now,
	})
	return err
}

// maxToken bounds a client token, as EC2 does.
const maxToken = 64

// keepAnswers is how long a repeated request is known by its token.
const keepAnswers = 24 * time.Hour

func (t *turn) forgetAnswers() {
	for _, a := range t.Answers() {
		if t.now.Sub(a.When) > keepAnswers {
			t.DeleteAnswer(a.Token)
		}
	}
}

// code is the EC2 code of an error, if it has one.
func code(err error) string {
	var refused *cloud.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}
