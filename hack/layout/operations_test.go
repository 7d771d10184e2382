// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// An operator finds every condition and reason that the API has on one page.
func TestOperationsPageHasEveryReason(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	states := statesIn(t, filepath.Join(root, "api/v1alpha1"))
	if len(states) == 0 {
		t.Fatal("no condition or reason found in the API")
	}
	for name, value := range states {
		if !strings.Contains(string(page), "`"+value+"`") {
			t.Errorf("docs/operations.md does not say what `%s` (%s) means and what to do", value, name)
		}
	}
}

// statesIn are the values of the constants of a package that name conditions and reasons.
func statesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != len(spec.Names) {
				return true
			}
			for i, name := range spec.Names {
				literal, ok := spec.Values[i].(*ast.BasicLit)
				if ok && literal.Kind == token.STRING && isState(name.Name) {
					states[name.Name], _ = strconv.Unquote(literal.Value)
				}
			}
			return true
		})
	}
	return states
}

func isState(name string) bool {
	for _, kind := range []string{"Condition", "Reason", "Void"} {
		if strings.HasPrefix(name, kind) {
			return true
		}
	}
	return false
}
