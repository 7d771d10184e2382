// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestTheClockOfAGuestRunsLikeOurs compares what passes in a guest and here: a Lease
// of a node whose clock runs away would never expire.
func TestTheClockOfAGuestRunsLikeOurs(t *testing.T) {
	t.Parallel()
	if args := clockArgs(); len(args) != 1 || !strings.HasPrefix(args[0], "tsc_early_khz=") {
		t.Skipf("the counter of this machine has no steady rate: %v", args)
	}
	stamps := make(chan string, 3)
	out := &lineWriter{lines: stamps}
	g, err := Boot(t.Context(), Config{
		Shape:   Shape{Nodes: 1, LLCsPerNode: 1, CoresPerLLC: 1, ThreadsPerCore: 1},
		Command: []string{"sh", "-c", "cut -d' ' -f1 /proc/uptime; sleep 5; cut -d' ' -f1 /proc/uptime; dmesg | grep -c 'tsc: Detected " + mhz(clockArgs()[0]) + "'"},
		Stdout:  out,
	})
	if errors.Is(err, ErrUnavailable) {
		t.Skip(strings.ReplaceAll(err.Error(), "\n", " "))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	first, began := seconds(t, next(t, stamps)), time.Now()
	second, here := seconds(t, next(t, stamps)), time.Since(began).Seconds()
	there := second - first
	if told := next(t, stamps); told != "1" {
		t.Errorf("the guest's kernel does not run with %v", clockArgs())
	}
	t.Logf("%.2f s passed in the guest, %.2f s here", there, here)
	const late = 2 // what is said comes late on a busy machine, and not always as late
	if there > here*1.1+late || there < here*0.9-late {
		t.Errorf("%.2f s passed in the guest, %.2f s here", there, here)
	}
}

// next is the next line, which has to come in bounded time.
func next(t *testing.T, lines <-chan string) string {
	t.Helper()
	const limit = time.Minute
	select {
	case line := <-lines:
		return line
	case <-time.After(limit):
		t.Fatalf("the guest said nothing for %v", limit)
		return ""
	}
}

// mhz is how the kernel prints the rate it was told.
func mhz(arg string) string {
	_, khz, _ := strings.Cut(arg, "=")
	return khz[:len(khz)-3] + "." + khz[len(khz)-3:] + " MHz"
}

func seconds(t *testing.T, text string) float64 {
	t.Helper()
	s, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lineWriter passes whole lines on to a channel with room for them.
type lineWriter struct {
	lines chan<- string
	rest  []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		w.lines <- string(line)
		w.rest = rest
	}
}
