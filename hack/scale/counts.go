// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/discovery"
)

// counts are requests by what they are about, such as "noderuns/status" and "PATCH",
// as the API server counts them.
type counts map[request]float64

type request struct{ resource, verb string }

// writes are the verbs that change something.
var writes = []string{"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"}

// count asks the API server for its requests so far.
func (w *world) count(ctx context.Context) (counts, error) {
	d, err := discovery.NewDiscoveryClientForConfig(w.config)
	if err != nil {
		return nil, err
	}
	text, err := d.RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the API server's metrics: %w", err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("parsing the API server's metrics: %w", err)
	}
	c := counts{}
	for _, m := range families["apiserver_request_total"].GetMetric() {
		labels := map[string]string{}
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		resource := labels["resource"]
		if sub := labels["subresource"]; sub != "" {
			resource += "/" + strings.TrimPrefix(sub, "/")
		}
		c[request{resource, labels["verb"]}] += m.GetCounter().GetValue()
	}
	return c, nil
}

// since are the requests after an earlier count.
func (c counts) since(before counts) counts {
	diff := counts{}
	for k, n := range c {
		if n -= before[k]; n > 0 {
			diff[k] = n
		}
	}
	return diff
}

// written sums writes to resources that begin with a name.
func (c counts) written(resource string) float64 {
	var n float64
	for k, v := range c {
		if slices.Contains(writes, k.verb) && (k.resource == resource || strings.HasPrefix(k.resource, resource+"/")) {
			n += v
		}
	}
	return n
}

// rows are the counts as text, the most frequent first. The reading of metrics is left out.
func (c counts) rows() []row {
	var rows []row
	for k, n := range c {
		if k.resource != "" {
			rows = append(rows, row{k.verb + " " + k.resource, n})
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		if a.N != b.N {
			return int(b.N - a.N)
		}
		return strings.Compare(a.What, b.What)
	})
	return rows
}
