// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package crd holds the generated CustomResourceDefinitions.
package crd

import (
	"embed"
	"fmt"
	"io/fs"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

//go:embed bases/*.yaml
var bases embed.FS

// All returns every CustomResourceDefinition of schedfleet.
func All() ([]*apiextensionsv1.CustomResourceDefinition, error) {
	names, err := fs.Glob(bases, "bases/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing the embedded CRDs: %w", err)
	}
	var all []*apiextensionsv1.CustomResourceDefinition
	for _, name := range names {
		text, err := bases.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading an embedded CRD: %w", err)
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(text, crd); err != nil {
			return nil, fmt.Errorf("parsing the embedded %s: %w", name, err)
		}
		all = append(all, crd)
	}
	return all, nil
}
