// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// maxCRDBytes keeps "kubectl apply" working, which stores the whole object as JSON in
// an annotation. All annotations together may have 256 KiB.
const maxCRDBytes = 250_000

func TestPackageComments(t *testing.T) {
	byDir := map[string][]source{}
	for _, s := range sources(t) {
		byDir[s.dir()] = append(byDir[s.dir()], s)
	}
	for _, srcs := range byDir {
		if problem := docProblem(srcs); problem != "" {
			t.Error(problem)
		}
	}
}

// docProblem says what is wrong with the package comment of a folder; empty if
// nothing is. Where there is code besides tests, the comment is in the code.
func docProblem(srcs []source) string {
	of := slices.DeleteFunc(slices.Clone(srcs), source.test)
	if len(of) == 0 {
		of = srcs
	}
	dir := of[0].dir()
	var docs []source
	for _, s := range srcs {
		if s.doc != "" {
			docs = append(docs, s)
		}
	}
	if len(docs) != 1 {
		var in []string
		for _, s := range docs {
			in = append(in, s.base())
		}
		return fmt.Sprintf("%s has %d package comments %v: it needs exactly one, which says what it is for", dir, len(docs), in)
	}
	want := "Package " + of[0].pkg + " "
	if of[0].pkg == "main" {
		want = "Command "
	}
	if !strings.HasPrefix(docs[0].doc, want) {
		return fmt.Sprintf("%s: the package comment begins %.40q, not %q", docs[0].path, docs[0].doc, want)
	}
	return ""
}

func TestPackageNames(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc"}, s.pkg) {
			t.Errorf("%s: package %s says nothing about what is in it", s.path, s.pkg)
		}
	}
}

func TestLicenseHeaders(t *testing.T) {
	for _, s := range sources(t) {
		if !licensed(s.text, "//") {
			t.Errorf("%s does not begin with the two lines of hack/boilerplate.go.txt", s.path)
		}
	}
	files(t, func(name string) {
		if path.Ext(name) != ".sh" && name != "Makefile" && name != ".ci/run" {
			return
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if !licensed(string(text), "#") {
			t.Errorf("%s does not begin with the two lines of the license header", name)
		}
	})
}

// licensed tells whether the license header stands on top. A build constraint
// or an interpreter may stand above it.
func licensed(text, comment string) bool {
	header := comment + " Copyright 2026 The schedfleet Authors\n" + comment + " SPDX-License-Identifier: Apache-2.0\n"
	for strings.HasPrefix(text, "//go:build ") || strings.HasPrefix(text, "#!") || strings.HasPrefix(text, "\n") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.HasPrefix(text, header)
}

func TestCRDsAreSmallEnoughToApply(t *testing.T) {
	crds, err := filepath.Glob(filepath.Join(root, "config/crd/bases/*.yaml"))
	if err != nil || len(crds) == 0 {
		t.Fatalf("no CRD in config/crd/bases (%v): run make manifests", err)
	}
	for _, crd := range crds {
		text, err := os.ReadFile(crd)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := yaml.YAMLToJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		if len(stored) >= maxCRDBytes {
			t.Errorf("%s has %d bytes as JSON, kubectl apply takes less than %d: describe a type once, and refer to it by name",
				filepath.Base(crd), len(stored), maxCRDBytes)
		}
	}
}

func TestDocProblem(t *testing.T) {
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"one comment in the code is right":       {map[string]string{"a.go": "// Package a is.\npackage a", "b.go": "package a"}, ""},
		"a command says so":                      {map[string]string{"a.go": "// Command a is.\npackage main"}, ""},
		"tests alone carry it themselves":        {map[string]string{"a_test.go": "// Package a_test is.\npackage a_test"}, ""},
		"a license is no package comment":        {map[string]string{"a.go": "// Copyright\n\npackage a"}, "0 package comments"},
		"a second comment is one too many":       {map[string]string{"a.go": "// Package a is.\npackage a", "b.go": "// Package a does.\npackage a"}, "2 package comments"},
		"a second one in a test, too":            {map[string]string{"a.go": "// Package a is.\npackage a", "a_test.go": "// Package a tests.\npackage a"}, "2 package comments"},
		"it names the package":                   {map[string]string{"a.go": "// Helpers for all.\npackage a"}, `not "Package a "`},
		"a command does not call itself package": {map[string]string{"a.go": "// Package main is.\npackage main"}, `not "Command "`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var srcs []source
			for name, text := range tc.files {
				s, err := parse("dir/"+name, text)
				if err != nil {
					t.Fatal(err)
				}
				srcs = append(srcs, s)
			}
			got := docProblem(srcs)
			if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("docProblem() = %q, want %q in it", got, tc.want)
			}
		})
	}
}

func TestLicensed(t *testing.T) {
	const header = "// Copyright 2026 The schedfleet Authors\n// SPDX-License-Identifier: Apache-2.0\n"
	tests := map[string]struct {
		text string
		want bool
	}{
		"on top":                   {header + "\npackage a", true},
		"below a build constraint": {"//go:build linux\n\n" + header, true},
		"missing":                  {"package a", false},
		"below the package clause": {"package a\n" + header, false},
		"half of it":               {"// Copyright 2026 The schedfleet Authors\npackage a", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := licensed(tc.text, "//"); got != tc.want {
				t.Errorf("licensed() = %v, want %v", got, tc.want)
			}
		})
	}
}
