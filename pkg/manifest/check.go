// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// Refusal is why no node can execute a run with this version.
type Refusal struct {
	// Reason is ReasonNotSupportedYet or ReasonInvalid.
	Reason string
	// Message names the fields.
	Message string
}

func (r *Refusal) Error() string { return r.Message }

// Check says whether a run can be executed at all: nil, or a *Refusal. placement
// may be nil for a run without a cluster.
func Check(run *v1alpha1.RunSpec, placement *v1alpha1.Placement) error {
	if fields := unsupported(run, placement); len(fields) > 0 {
		return &Refusal{Reason: v1alpha1.ReasonNotSupportedYet, Message: fmt.Sprintf("not supported yet: %s", strings.Join(fields, ", "))}
	}
	model, err := Model(run)
	if err == nil {
		err = model.Validate()
	}
	if err != nil {
		return &Refusal{Reason: v1alpha1.ReasonInvalid, Message: inOneLine(prefixed(err))}
	}
	return nil
}

// prefixed puts the path of the model in front of each error.
func prefixed(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range many.Unwrap() {
			all = append(all, prefixed(e))
		}
		return errors.Join(all...)
	}
	return fmt.Errorf("spec.%w", err)
}

func inOneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// unsupported lists the fields that are set and that this version cannot honour.
func unsupported(run *v1alpha1.RunSpec, placement *v1alpha1.Placement) []string {
	l := &fieldList{}
	l.add(run.Scheduler != nil, "spec.scheduler")
	if placement != nil {
		l.add(placement.NodesPercent != nil, "spec.placement.nodesPercent")
	}
	return l.fields
}

type fieldList struct{ fields []string }

func (l *fieldList) add(set bool, path string) {
	if set {
		l.fields = append(l.fields, path)
	}
}
