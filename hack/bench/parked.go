// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// parkedRun lets workers stay parked and counts what the kernel says of them.
func parkedRun(workers, seconds int) (parked, error) {
	run, err := resolve(workers, work.Spec{YieldHeavy: &work.YieldHeavy{}})
	if err != nil {
		return parked{}, err
	}
	h, err := spawn.Spawn(context.Background(), spawn.Config{Run: run, Stderr: os.Stderr})
	if err != nil {
		return parked{}, err
	}
	p := parked{Workers: workers}
	err = p.watch(h, time.Duration(seconds)*time.Second)
	return p, errors.Join(err, h.Close())
}

func (p *parked) watch(h *spawn.Handle, d time.Duration) error {
	// The last of them may be on its way into the kernel yet.
	time.Sleep(time.Second)
	before, err := switches(h)
	if err != nil {
		return err
	}
	time.Sleep(d) // what is measured is what does not happen meanwhile
	after, err := switches(h)
	if err != nil {
		return err
	}
	p.Switches = after - before
	for w := range h.Workers {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", w.TID))
		if err != nil {
			return err
		}
		p.Tasks += len(tasks)
	}
	return nil
}

// switches sums the context switches of all workers. Reading wakes no one.
func switches(h *spawn.Handle) (int, error) {
	total := 0
	for w := range h.Workers {
		n, err := switchesOf(w.TID)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func switchesOf(tid int) (int, error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		return 0, err
	}
	defer file.Close() //nolint:errcheck // only read
	total, found := 0, 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if name != "voluntary_ctxt_switches" && name != "nonvoluntary_ctxt_switches" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil {
			return 0, err
		}
		total += n
		found++
	}
	if found != 2 {
		return 0, fmt.Errorf("the kernel does not count the context switches of task %d", tid)
	}
	return total, nil
}
