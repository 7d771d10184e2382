// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// What the page on scenarios tells people to apply can be applied, and it tells of every op.
func TestThePageOnScenariosIsTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/scenarios.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := yamlBlock.FindAllStringSubmatch(string(text), -1)
	if len(examples) < 2 {
		t.Errorf("%d examples", len(examples))
	}
	for _, example := range examples {
		w, err := loadWorkload(t.Context(), "-", strings.NewReader(example[1]))
		if err != nil {
			t.Fatal(err)
		}
		if err := manifest.Check(&w.Spec.RunSpec, &w.Spec.Placement); err != nil {
			t.Errorf("%s: %v", w.Name, err)
		}
	}
	for field := range reflect.TypeFor[v1alpha1.Op]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !regexp.MustCompile("(?m)^\\| .*`" + name + "`.* \\|").Match(text) {
			t.Errorf("no row is about %s", name)
		}
	}
}
