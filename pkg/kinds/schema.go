// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/config/crd"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Parameter is something that can be set of a kind.
type Parameter struct {
	// Path is where it is below the kind, such as arrival.ratePerSecond.
	Path string `json:"path"`
	Type string `json:"type"`
	// Description says what it is, its unit, bounds and default.
	Description string                `json:"description"`
	Required    bool                  `json:"required,omitempty"`
	Default     *apiextensionsv1.JSON `json:"default,omitempty"`
	Minimum     *float64              `json:"minimum,omitempty"`
	Maximum     *float64              `json:"maximum,omitempty"`
	Enum        []string              `json:"enum,omitempty"`
	// Rules are what else must hold of it, in CEL.
	Rules []string `json:"-"`
}

// schemaOf is the schema of a member of a kind of object.
func schemaOf(object string, path ...string) (*apiextensionsv1.JSONSchemaProps, error) {
	definitions, err := crd.All()
	if err != nil {
		return nil, err
	}
	for _, d := range definitions {
		if d.Spec.Names.Kind != object {
			continue
		}
		at := *d.Spec.Versions[0].Schema.OpenAPIV3Schema
		for _, name := range path {
			at = at.Properties[name]
			if at.Items != nil && at.Items.Schema != nil {
				at = *at.Items.Schema
			}
		}
		return &at, nil
	}
	return nil, fmt.Errorf("there is no %s among the CRDs of this binary", object)
}

// value begins the line that says what a value of an enumeration means.
var value = regexp.MustCompile(`^([A-Z][A-Za-z]+): (.*)$`)

// meanings are what the values of an enumeration mean, by their lines in its description.
func meanings(schema *apiextensionsv1.JSONSchemaProps) map[string]string {
	all, last := map[string]string{}, ""
	for line := range strings.SplitSeq(schema.Description, "\n") {
		if m := value.FindStringSubmatch(line); m != nil {
			last, line = m[1], m[2]
		}
		if last != "" {
			all[last] = strings.TrimSpace(all[last] + " " + line)
		}
	}
	return all
}

// summary is the first sentence of a description, without the name in front.
func summary(name, description string) string {
	text := strings.TrimPrefix(strings.Join(strings.Fields(description), " "), name+" ")
	first, _, _ := strings.Cut(text, ". ")
	return strings.TrimSuffix(first, ".")
}

// parameters are the members of a schema and those below them, in the order of the alphabet.
func parameters(in *apiextensionsv1.JSONSchemaProps) []Parameter {
	var list []Parameter
	for name, s := range in.Properties {
		list = append(list, parameter(name, &s, slices.Contains(in.Required, name)))
		below, at := &s, name
		if s.Items != nil && s.Items.Schema != nil {
			below, at = s.Items.Schema, name+"[]"
		}
		for _, p := range parameters(below) {
			p.Path = at + "." + p.Path
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b Parameter) int { return cmp.Compare(a.Path, b.Path) })
	return list
}

func parameter(name string, s *apiextensionsv1.JSONSchemaProps, required bool) Parameter {
	p := Parameter{
		Path: name, Type: s.Type, Description: s.Description, Required: required, Default: s.Default, Minimum: s.Minimum, Maximum: s.Maximum,
	}
	if s.XIntOrString {
		p.Type = "quantity"
	}
	if s.Items != nil && s.Items.Schema != nil {
		p.Type = "[]" + s.Items.Schema.Type
	}
	for _, rule := range s.XValidations {
		p.Rules = append(p.Rules, rule.Rule)
	}
	for _, one := range s.Enum {
		var text string
		if json.Unmarshal(one.Raw, &text) == nil { // all enumerations are of texts
			p.Enum = append(p.Enum, text)
		}
	}
	return p
}

// variants are the kind with its default parameters, as the engine has it, and then
// with some other value of each parameter that can change what the kind records.
func variants(name string, in *apiextensionsv1.JSONSchemaProps) ([]work.Kind, error) {
	settings := []map[string]any{{}}
	for _, p := range parameters(in) {
		switch {
		case strings.Contains(p.Path, "."): // below another
		case p.Path == "arrival":
			settings = append(settings, map[string]any{p.Path: map[string]any{"ratePerSecond": int64(1)}})
		case p.Type == "integer" && p.Default == nil: // 0, or unset
			settings = append(settings, map[string]any{p.Path: int64(1)})
		default:
			for _, value := range p.Enum {
				settings = append(settings, map[string]any{p.Path: value})
			}
		}
	}
	var all []work.Kind
	for _, set := range settings {
		kind, err := parsed(name, in, set)
		if err != nil {
			return nil, fmt.Errorf("%s with %v: %w", name, set, err)
		}
		all = append(all, kind)
	}
	return all, nil
}

// Parse is a kind with some of its parameters set and the others by default, as the
// engine has it. Parameters without a default may be missing; nothing is validated.
func (c *Catalog) Parse(name string, set map[string]any) (work.Kind, error) {
	schema, ok := c.work.Properties[name]
	if !ok {
		return nil, c.unknown(name)
	}
	return parsed(name, &schema, set)
}

func parsed(name string, in *apiextensionsv1.JSONSchemaProps, set map[string]any) (work.Kind, error) {
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(in, internal, nil); err != nil {
		return nil, fmt.Errorf("converting the schema of %s: %w", name, err)
	}
	structural, err := schema.NewStructural(internal)
	if err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	defaulting.Default(set, structural)
	run := v1alpha1.RunSpec{Groups: make([]v1alpha1.Group, 1)}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(map[string]any{name: set}, &run.Groups[0].Work); err != nil {
		return nil, fmt.Errorf("reading the defaults of %s: %w", name, err)
	}
	model, err := manifest.Model(&run)
	if err != nil {
		return nil, fmt.Errorf("reading the defaults of %s: %w", name, err)
	}
	return model.Groups[0].Work.Kind()
}
