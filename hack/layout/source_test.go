// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package layout_test holds the checkout to the rules of CONTRIBUTING.md: where
// things are, who may import whom, and what every file carries.
package layout_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/schedfleet/schedfleet"
	root   = "../.."
)

// source is what the rules look at in one Go file.
type source struct {
	path    string // from the root of the checkout, with slashes
	pkg     string // the name in its package clause
	doc     string // the package comment in it
	imports []string
	text    string
}

func (s source) dir() string  { return path.Dir(s.path) }
func (s source) test() bool   { return strings.HasSuffix(s.path, "_test.go") }
func (s source) base() string { return path.Base(s.path) }

// files calls visit with every file of this module that a person or a
// generator wrote: not what is built, stored by git or another module.
func files(t *testing.T, visit func(name string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		if !d.IsDir() {
			visit(filepath.ToSlash(name))
			return nil
		}
		if name == ".git" || name == "bin" || d.Name() == "testdata" {
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil && name != "." {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatalf("walking the checkout: %v", err)
	}
}

// sources parses the Go files of this module.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	files(t, func(name string) {
		if !strings.HasSuffix(name, ".go") {
			return
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		s, err := parse(name, string(text))
		if err != nil {
			t.Fatalf("parsing %s: %v", name, err)
		}
		all = append(all, s)
	})
	if len(all) == 0 {
		t.Fatalf("no Go file below %s: the test looks in the wrong place", root)
	}
	return all
}

func parse(name, text string) (source, error) {
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return source{}, err
	}
	s := source{path: name, pkg: f.Name.Name, text: text}
	if f.Doc != nil {
		s.doc = docText(f.Doc)
	}
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return source{}, err
		}
		s.imports = append(s.imports, p)
	}
	return s, nil
}

// docText is the comment as go doc shows it; a comment of directives alone,
// such as go:generate, is none.
func docText(c *ast.CommentGroup) string { return strings.TrimSpace(c.Text()) }
