// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCheckName(t *testing.T) {
	for name, tc := range map[string]struct {
		give    string
		wantErr string
	}{
		"a plain name":             {give: "web"},
		"a nested name":            {give: "web/front.slice"},
		"nothing":                  {give: "", wantErr: "empty"},
		"a leading slash":          {give: "/web", wantErr: "empty"},
		"a trailing slash":         {give: "web/", wantErr: "empty"},
		"two slashes":              {give: "web//front", wantErr: "empty"},
		"the directory itself":     {give: "web/.", wantErr: "component"},
		"the parent":               {give: "../web", wantErr: "component"},
		"the parent in the middle": {give: "web/../..", wantErr: "component"},
		"a NUL byte":               {give: "we\x00b", wantErr: "NUL"},
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckName(tc.give)
			if tc.wantErr == "" && err != nil || tc.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tc.wantErr)) {
				t.Errorf("CheckName(%q) = %v, want an error with %q", tc.give, err, tc.wantErr)
			}
		})
	}
}

func TestOnlyBelowACgroupHierarchy(t *testing.T) {
	outside := t.TempDir()
	if _, err := Create(filepath.Join(outside, "run")); !errors.Is(err, ErrOutside) {
		t.Errorf("Create in a directory that is no cgroup: %v, want ErrOutside", err)
	}
	if _, err := Sweep(t.Context(), outside); !errors.Is(err, ErrOutside) {
		t.Errorf("Sweep of a directory that is no cgroup: %v, want ErrOutside", err)
	}
	if err := (&Dir{path: outside}).Remove(t.Context()); !errors.Is(err, ErrOutside) {
		t.Errorf("Remove of a directory that is no cgroup: %v, want ErrOutside", err)
	}
	if _, err := Create("run"); err == nil {
		t.Error("Create took a relative path")
	}
	if point, err := Mount(); err == nil {
		if _, err := Sweep(t.Context(), point); !errors.Is(err, ErrOutside) {
			t.Errorf("Sweep of the whole hierarchy: %v, want ErrOutside", err)
		}
	}
}

func TestParseFlat(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		want    map[string]uint64
		wantErr string
	}{
		"names and numbers":   {content: "usage_usec 15\nnr_periods 0\n", want: map[string]uint64{"usage_usec": 15, "nr_periods": 0}},
		"an empty file":       {want: map[string]uint64{}},
		"a word for a number": {content: "usage_usec max\n", wantErr: `line "usage_usec max"`},
		"a lonely name":       {content: "usage_usec\n", wantErr: `line "usage_usec"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseFlat([]byte(tc.content))
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("error %v, want one with %q", err, tc.wantErr)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("error %v, numbers (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestBoundedGivesUp(t *testing.T) {
	stuck := make(chan struct{})
	t.Cleanup(func() { close(stuck) })
	began := time.Now()
	_, err := bounded("writing", "/wedged", func() (int, error) { <-stuck; return 0, nil })
	if err == nil || !strings.Contains(err.Error(), "writing /wedged") {
		t.Errorf("error %v, want one that names the step and the path", err)
	}
	if took := time.Since(began); took < fileTimeout || took > 5*fileTimeout {
		t.Errorf("gave up after %v, want about %v", took, fileTimeout)
	}
}
