// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// OutsideKernels says why a kernel is not in a range, as what could follow the name
// of a node that runs it; "" if it is. No range is every kernel.
func OutsideKernels(r *v1alpha1.KernelRange, release string) string {
	if r == nil {
		return ""
	}
	version, ok := kernelVersion(release)
	switch {
	case !ok:
		return "does not tell which kernel it runs"
	case r.Min != "" && compareKernels(version, r.Min) < 0:
		return fmt.Sprintf("runs a kernel older than %s (it has %s)", r.Min, release)
	case r.Below != "" && compareKernels(version, r.Below) >= 0:
		return fmt.Sprintf("runs a kernel that is not older than %s (it has %s)", r.Below, release)
	default:
		return ""
	}
}

// checkKernels refuses a range that no kernel is in.
func checkKernels(r *v1alpha1.KernelRange) *Refusal {
	if r == nil || r.Min == "" || r.Below == "" || compareKernels(r.Min, r.Below) < 0 {
		return nil
	}
	return &Refusal{Reason: v1alpha1.ReasonInvalid,
		Message: fmt.Sprintf("spec.placement.requires.kernel: no kernel is %s or newer and older than %s; min must be less than below", r.Min, r.Below)}
}

// kernelVersion is the numbers that a release begins with, if it does.
func kernelVersion(release string) (string, bool) {
	end := strings.IndexFunc(release, func(c rune) bool { return c != '.' && (c < '0' || c > '9') })
	if end < 0 {
		end = len(release)
	}
	version := strings.Trim(release[:end], ".")
	return version, version != ""
}

// compareKernels compares number by number; one that is missing is 0.
func compareKernels(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		m, _ := strconv.Atoi(x) // digits only, by the schema and kernelVersion
		n, _ := strconv.Atoi(y)
		if m != n {
			return cmp.Compare(m, n)
		}
	}
	return 0
}
