// Command eucactl runs an EC2-compatible cloud on hosts that it reaches over SSH.
// This folder turns flags into requests and answers into words; it decides nothing.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C is not asked politely
	os.Exit(run(ctx, os.Args[1:]))
}

// run is main with an exit code, as tests call it.
func run(ctx context.Context, args []string) int {
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.LookupEnv}
	return a.execute(ctx, args)
}
