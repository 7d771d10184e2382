// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"strings"
	"testing"
)

func TestConsole(t *testing.T) {
	var out strings.Builder
	c := &console{out: &out}
	write := func(s string) {
		if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", s, n, err)
		}
	}
	write("one\r\ntw")
	if out.String() != "one\n" {
		t.Errorf("forwarded %q: want whole lines, and no carriage return", out.String())
	}
	write("o\n")
	if panicked, stale, tail := c.state(); panicked != "" || stale || tail != "one\ntwo" {
		t.Errorf("state() = %q, %t, %q", panicked, stale, tail)
	}
	for i := range tailLines {
		write(fmt.Sprintln("line", i))
	}
	write("[    4.1] Oops: int3: 0000 [#1] SMP NOPTI\n")
	write("[    4.2] Kernel panic - not syncing: sysrq triggered crash\nKernel panic - not syncing: another\n")
	write(strings.Repeat("x", 2*maxLine) + "end")
	panicked, stale, tail := c.state()
	if panicked != "sysrq triggered crash" || !stale {
		t.Errorf("the panic is %q, of stale code: %t; want the first one, and that it was", panicked, stale)
	}
	if lines := strings.Split(tail, "\n"); len(lines) != tailLines+1 || lines[tailLines] != "end" || len(lines[tailLines-1]) != maxLine {
		t.Errorf("the tail has %d lines and ends with %q", len(lines), lines[len(lines)-1])
	}
}
