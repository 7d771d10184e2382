// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"fmt"
	"io"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// progress prints a line for each condition that changed.
type progress struct {
	out   io.Writer
	began time.Time
	now   func() time.Time
	last  map[string]metav1.Condition // by object and type
}

func newProgress(out io.Writer) *progress {
	return &progress{out: out, began: time.Now(), now: time.Now, last: map[string]metav1.Condition{}}
}

// conditions prints those of an object that differ from what was printed last.
func (p *progress) conditions(object string, conditions []metav1.Condition) {
	for _, c := range conditions {
		key := object + " " + c.Type
		last, known := p.last[key]
		if known && last.Status == c.Status && last.Reason == c.Reason && last.Message == c.Message {
			continue
		}
		p.last[key] = c
		fmt.Fprintf(p.out, "%6.1fs  %s  %s=%s (%s)", p.now().Sub(p.began).Seconds(), object, c.Type, c.Status, c.Reason)
		if c.Message != "" {
			fmt.Fprintf(p.out, ": %s", c.Message)
		}
		fmt.Fprintln(p.out)
	}
}
