// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/pkg/sink"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// destination is where the raw report of a run goes: a file that the user named, or a
// sink, in which reports have names of their own. The zero destination is nowhere.
type destination struct {
	file string
	sink *sink.Sink
}

// openDestination says what --report means, and what is wrong with it before the run. A
// path is a file, unless it is a directory or ends like one.
func openDestination(at string) (destination, error) {
	if at == "" {
		return destination{}, nil
	}
	info, err := os.Stat(at)
	directory := err == nil && info.IsDir() || strings.HasSuffix(at, "/")
	if !strings.Contains(at, "://") && !directory {
		if err == nil && !info.Mode().IsRegular() {
			return destination{}, fmt.Errorf("--report: %s is not a regular file", at)
		}
		if _, err := os.Stat(filepath.Dir(at)); errors.Is(err, fs.ErrNotExist) {
			return destination{}, fmt.Errorf("--report: there is no directory %s", filepath.Dir(at))
		}
		return destination{file: at}, nil
	}
	s, err := sink.Open(at)
	if err != nil {
		return destination{}, fmt.Errorf("--report: %w", err)
	}
	return destination{sink: s}, nil
}

// put stores the raw report and tells where it is.
func (d destination) put(ctx context.Context, namespace string, rep *report.Report, stderr io.Writer) error {
	if d.file == "" && d.sink == nil {
		return nil
	}
	raw, err := json.Marshal(rep)
	if err != nil {
		return fmt.Errorf("writing the raw report: %w", err)
	}
	var ref sink.Reference
	if d.sink == nil {
		ref, err = sink.WriteFile(ctx, d.file, raw)
	} else {
		name := fmt.Sprintf("%s/%s/%s-%s.json", cmp.Or(namespace, metav1.NamespaceDefault), rep.Workload, cmp.Or(rep.Node, "localhost"), rep.RunID)
		ref, err = d.sink.Put(ctx, name, raw)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "the raw report is %s, %d bytes, sha256 %s\n", ref.URL, ref.Bytes, ref.SHA256)
	return nil
}
