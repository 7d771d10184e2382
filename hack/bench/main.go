// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Command bench compares the worker pipeline with small C programs that do the
// same, and with cyclictest.
//
// A comparison is a number of rounds. A round has a run of ours, one of the
// other's and another one of the other's as a control, each in a process of its
// own, directly after each other and in changing order. What is compared is the
// ratio within a round, so that a machine that becomes slower in between favors
// no side. The control's ratio says how much of the spread is the machine's.
//
//	bench [-only TEXT] [-report FILE]
//	bench -schbench PROGRAM [-only TEXT]
//
// "make bench" runs it. It changes nothing but its cache; with -report it also
// writes the page docs/performance.md. With -schbench it compares our schbench with the
// original instead, a program that is built elsewhere.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
)

// totalTimeout bounds everything, should a run hang.
const totalTimeout = 30 * time.Minute

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case spawn.ZygoteCommand: // this program makes its own workers, as the runner does
			os.Exit(spawn.Zygote())
		case oursCommand:
			os.Exit(ours(os.Args[2:]))
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, totalTimeout)
	defer cancel()
	only := flag.String("only", "", "run only the comparisons whose name contains this")
	page := flag.String("report", "", "also write the page to this file")
	schbench := flag.String("schbench", "", "compare schbench with this program, the original, instead")
	flag.Parse()
	if err := run(ctx, os.Stdout, *only, *page, *schbench); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run does every comparison, prints as it goes and ends with the table.
func run(ctx context.Context, out io.Writer, only, page, schbench string) error {
	if page != "" && only+schbench != "" {
		return fmt.Errorf("not writing %s: it holds all comparisons, and -only or -schbench would leave some out", page)
	}
	m, err := thisMachine()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s; load average of the last minute %s\n", m.describe(), m.load)
	results := results{machine: m, when: time.Now()}
	list := schbenchComparisons(schbench)
	if schbench == "" {
		list = comparisons(ctx, m)
	}
	if results.compared, err = compare(ctx, out, list, only); err != nil {
		return err
	}
	if schbench == "" && strings.Contains(parkedName, only) {
		fmt.Fprintln(out, parkedName)
		if results.figures, err = parkedFigures(ctx); err != nil {
			return fmt.Errorf("%s: %w", parkedName, err)
		}
	}
	fmt.Fprintf(out, "\n%s", results.table())
	if page == "" {
		return nil
	}
	return os.WriteFile(page, []byte(results.page()), 0o644)
}

// compare does those of the comparisons whose names contain a text.
func compare(ctx context.Context, out io.Writer, list []comparison, only string) ([]outcome, error) {
	var compared []outcome
	for _, c := range list {
		if !strings.Contains(c.name, only) {
			continue
		}
		r, err := c.run(ctx, out)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		compared = append(compared, r)
	}
	return compared, nil
}
