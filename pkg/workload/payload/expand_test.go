// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"strings"
	"testing"
	"time"
)

func TestExpand(t *testing.T) {
	values := &Values{Duration: 2500 * time.Millisecond, CPUs: 8, Worker: 3}
	for text, want := range map[string]string{
		"":                                 "",
		"plain":                            "plain",
		"--runtime=$(DURATION_SECONDS)s":   "--runtime=3s",
		"$(DURATION_MILLISECONDS)":         "2500",
		"$(CPUS)$(WORKER)":                 "83",
		"$$(CPUS)":                         "$(CPUS)",
		"$$(CPUS) $(CPUS)":                 "$(CPUS) 8",
		"$$(OTHER)":                        "$(OTHER)",
		"$$$(CPUS)":                        "$$(CPUS)",
		"$":                                "$",
		"cost $5":                          "cost $5",
		"$CPUS ${CPUS}":                    "$CPUS ${CPUS}",
		"$(date) $((1+1)) $(CPUS":          "$(date) $((1+1)) $(CPUS",
		"in a subshell: $(echo $(WORKER))": "in a subshell: $(echo 3)",
	} {
		if got, err := Expand(text, values); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"$(CPU)", "a $(CPUS) $(OTHER_1)"} {
		if got, err := Expand(text, values); err == nil || !strings.Contains(err.Error(), "is not a variable: there are $(CPUS), $(DURATION_MILLISECONDS), $(DURATION_SECONDS), $(WORKER)") {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
	for duration, want := range map[time.Duration]string{time.Nanosecond: "1 1", time.Second: "1 1000", time.Second + 1: "2 1001", 24 * time.Hour: "86400 86400000"} {
		if got, err := Expand("$(DURATION_SECONDS) $(DURATION_MILLISECONDS)", &Values{Duration: duration}); err != nil || got != want {
			t.Errorf("%v is %q, %v; want %q", duration, got, err, want)
		}
	}
}
