// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Command testsummary reads what "go test -json" prints and shows it to
// people: a line per package, the output of what failed, every skipped test
// with its reason, and a closing line with the counts. Specs of ginkgo suites
// count one by one. It ends with status 1 if anything failed or nothing ran.
package main

import (
	"fmt"
	"os"
)

func main() {
	s := newSummary(os.Stdout)
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
		os.Exit(2)
	}
	if !s.close() {
		os.Exit(1)
	}
}
