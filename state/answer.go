package state

import "eucactl/cloud"

// Answers are what the journal's entries led to and may be long: they are not in it.
var answers = &table[cloud.Answer]{name: "answer", silent: true}

// Answer finds what a request was answered, by "<user>/<token>".
func (tx *Tx) Answer(token string) (cloud.Answer, bool) { return answers.get(tx, token) }

// Answers lists all kept answers, for those who drop the old ones.
func (tx *Tx) Answers() []cloud.Answer { return answers.all(tx) }

// PutAnswer keeps an answer. It belongs into the transaction that it is about.
func (tx *Tx) PutAnswer(v cloud.Answer) { answers.put(tx, v) }

// DeleteAnswer drops an answer.
func (tx *Tx) DeleteAnswer(token string) { answers.delete(tx, token) }
