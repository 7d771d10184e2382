// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Command boot boots a guest by hand and runs one command in it, whose exit
// status it ends with.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/schedfleet/schedfleet/hack/guest"
)

// statusNoGuest is the exit status if there was no command that ended.
const statusNoGuest = 125

const usage = `usage: go run ./hack/guest/boot [flags] command [argument...]
       go run ./hack/guest/boot [flags] -test ./package [-- flag of the tests...]
`

type options struct {
	shape   guest.Shape
	append  string
	test    string
	files   map[string]string
	network bool
	timeout time.Duration
	memory  int
	bare    int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	status, err := boot(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "boot:", err)
	}
	os.Exit(status)
}

func parse() (*options, []string) {
	o := &options{files: map[string]string{}}
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Func("shape", "`nodes, last-level caches, cores per cache, threads per core` (default 2n4l1c2t)", func(s string) (err error) {
		o.shape, err = guest.ParseShape(s)
		return err
	})
	flag.IntVar(&o.memory, "memory", 512, "`MiB` of memory of each node")
	flag.IntVar(&o.bare, "memory-only", 0, "`number` of nodes without CPUs")
	flag.StringVar(&o.append, "append", "", "`arguments` for the kernel, such as loglevel=7")
	flag.BoolVar(&o.network, "network", false, "give it eth0; this machine's loopback is 10.0.2.2")
	flag.DurationVar(&o.timeout, "timeout", 5*time.Minute, "kill the guest when its command has run for this time")
	flag.StringVar(&o.test, "test", "", "build the tests of this `package`, put them into the guest and run them")
	flag.Func("file", "put a file or directory into the guest: `/path/there=path/here`; again for more", func(s string) error {
		there, here, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("not of the form /path/there=path/here")
		}
		o.files[there] = here
		return nil
	})
	flag.Parse()
	if o.shape == (guest.Shape{}) {
		o.shape = guest.Shape{Nodes: 2, LLCsPerNode: 2, CoresPerLLC: 1, ThreadsPerCore: 2}
	}
	o.shape.MemoryMiB, o.shape.MemoryOnlyNodes = o.memory, o.bare
	return o, flag.Args()
}

func boot(ctx context.Context) (int, error) {
	o, command := parse()
	cfg := guest.Config{
		Shape: o.shape, KernelArgs: strings.Fields(o.append), Files: o.files, Network: o.network, Timeout: o.timeout,
		Command: command, Console: os.Stderr, Stdout: os.Stdout, Stderr: os.Stderr,
	}
	if o.test != "" {
		dir, err := os.MkdirTemp("", "schedfleet-guest-test-")
		if err != nil {
			return statusNoGuest, err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // it is in the directory for temporary files
		if err := addTest(ctx, &cfg, o.test, dir); err != nil {
			return statusNoGuest, err
		}
	}
	g, err := guest.Boot(ctx, cfg)
	if err != nil {
		return statusNoGuest, err
	}
	defer g.Close()
	fmt.Fprintf(os.Stderr, "boot: a guest %s, up for %v when its command starts\n", o.shape, g.Uptime())
	result, err := g.Wait()
	if err != nil {
		return statusNoGuest, err
	}
	if result.Signal != 0 {
		return 128 + int(result.Signal), fmt.Errorf("the command was ended by a signal: %v", result.Signal)
	}
	return result.ExitCode, nil
}

// addTest makes the tests of a package the command, in a directory that holds
// its testdata.
func addTest(ctx context.Context, cfg *guest.Config, pkg, dir string) error {
	binary, err := guest.BuildTest(ctx, pkg, dir)
	if err != nil {
		return err
	}
	const there = "/test"
	program := there + "/" + filepath.Base(binary)
	cfg.Files[program] = binary
	cfg.Dir = there
	if data := filepath.Join(pkg, "testdata"); strings.HasPrefix(pkg, ".") {
		if _, err := os.Stat(data); err == nil {
			cfg.Files[there+"/testdata"] = data
		}
	}
	cfg.Command = append([]string{program, "-test.v"}, cfg.Command...)
	return nil
}
