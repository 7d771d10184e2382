// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"strings"
	"testing"
)

// logged are the programs whose logs machines read.
var logged = []string{"controllers", "nodeagent", "cmd/manager", "cmd/agent"}

func TestLogsAreStructured(t *testing.T) {
	for _, s := range sources(t) {
		if !within(s.dir(), logged) || s.test() {
			continue
		}
		for _, problem := range unstructured(t, s) {
			t.Error(problem)
		}
	}
}

// unstructured lists the log calls of a file whose message or keys are no literals: what a
// message is about stands in values of its own, or nobody can search for it.
func unstructured(t *testing.T, s source) (found []string) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, s.path, s.text, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || method.Sel.Name != "Info" && method.Sel.Name != "Error" {
			return true
		}
		var logger bytes.Buffer
		if err := printer.Fprint(&logger, fset, method.X); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.ToLower(logger.String()), "log") {
			return true
		}
		args := call.Args
		if method.Sel.Name == "Error" && len(args) > 0 {
			args = args[1:] // after the error
		}
		for i, arg := range args {
			if text, ok := arg.(*ast.BasicLit); (i == 0 || i%2 == 1) && (!ok || text.Kind != token.STRING) {
				found = append(found, fmt.Sprintf("%s: message and keys of a log call are literals, and argument %d is not", fset.Position(call.Pos()), i))
			}
		}
		return true
	})
	return found
}

func TestUnstructuredFinds(t *testing.T) {
	for name, tc := range map[string]struct {
		call string
		want int
	}{
		"a message with values of its own":   {`log.Info("run ended", "node", n)`, 0},
		"a message put together":             {`log.Info("run ended on " + n)`, 1},
		"a formatted error message":          {`a.log.Error(err, fmt.Sprintf("run %s", n))`, 1},
		"a key that is a value":              {`logf.FromContext(ctx).Info("run ended", n, 1)`, 1},
		"something that is no logger's call": {`entry.Info()`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			text := "package p\nfunc f() { " + tc.call + " }\n"
			if got := unstructured(t, source{path: "p.go", text: text}); len(got) != tc.want {
				t.Errorf("found %q, want %d", got, tc.want)
			}
		})
	}
}
