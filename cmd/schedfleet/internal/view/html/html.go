// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package html writes a report as one page that needs nothing else: no network, no
// fonts, and no script but for comfort.
package html

import (
	"bufio"
	"embed"
	"fmt"
	"html/template"
	"io"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

//go:embed page.html parts.html style.css script.js
var files embed.FS

// Write writes the page of a report.
func Write(w io.Writer, rep *report.Report) error {
	page, err := template.New("page.html").ParseFS(files, "page.html", "parts.html")
	if err != nil {
		return fmt.Errorf("reading the page's templates: %w", err)
	}
	content, err := newPage(rep)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	if err := page.Execute(out, content); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return out.Flush()
}

// style and script are the page's own, which are not escaped.
func style() (template.CSS, error) {
	text, err := files.ReadFile("style.css")
	return template.CSS(text), err
}

func script() (template.JS, error) {
	text, err := files.ReadFile("script.js")
	return template.JS(text), err
}
