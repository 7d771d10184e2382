// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Values are what variables in arguments and environment stand for.
type Values struct {
	// Duration is that of the run.
	Duration time.Duration
	// CPUs is how many the group's workers can have.
	CPUs int
	// Worker is the worker's number in its group.
	Worker int
}

// variables say for each what stands for it. Whole seconds are rounded up, so that the
// program does not end before the run does.
var variables = map[string]func(*Values) int64{
	"DURATION_SECONDS":      func(v *Values) int64 { return int64((v.Duration + time.Second - 1) / time.Second) },
	"DURATION_MILLISECONDS": func(v *Values) int64 { return int64((v.Duration + time.Millisecond - 1) / time.Millisecond) },
	"CPUS":                  func(v *Values) int64 { return int64(v.CPUs) },
	"WORKER":                func(v *Values) int64 { return int64(v.Worker) },
}

var reference = regexp.MustCompile(`\$?\$\(([A-Z][A-Z0-9_]*)\)`)

// Expand replaces each $(NAME) by its value. $$(NAME) stands for $(NAME) itself. A name in
// capital letters that is not known is an error; whatever else looks like it is left as it is, since
// shells have a use for it.
func Expand(text string, v *Values) (string, error) {
	var unknown error
	expanded := reference.ReplaceAllStringFunc(text, func(found string) string {
		if literal, escaped := strings.CutPrefix(found, "$$"); escaped {
			return "$" + literal
		}
		value := variables[found[len("$("):len(found)-len(")")]]
		if value == nil {
			unknown = fmt.Errorf("%s is not a variable: there are %s; $$( stands for $( itself", found, known())
			return found
		}
		return strconv.FormatInt(value(v), 10)
	})
	return expanded, unknown
}

func known() string {
	var names []string
	for name := range variables {
		names = append(names, "$("+name+")")
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
