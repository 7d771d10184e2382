// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package admission reads a Workload manifest and judges it as an API server
// would: the same decoder, the same schema, the same CEL rules, and therefore
// the same words.
package admission

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/config/crd"
)

// Judge holds the Workload's schema.
type Judge struct {
	structural *schema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

// New prepares the schema that this binary was built with.
func New() (*Judge, error) {
	definition, err := workloadSchema()
	if err != nil {
		return nil, err
	}
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(definition, internal, nil); err != nil {
		return nil, fmt.Errorf("converting the Workload's schema: %w", err)
	}
	j := &Judge{}
	if j.structural, err = schema.NewStructural(internal); err != nil {
		return nil, fmt.Errorf("reading the Workload's schema: %w", err)
	}
	if j.schema, _, err = validation.NewSchemaValidator(internal); err != nil {
		return nil, fmt.Errorf("reading the Workload's schema: %w", err)
	}
	j.rules = cel.NewValidator(j.structural, true, celconfig.PerCallLimit)
	return j, nil
}

func workloadSchema() (*apiextensionsv1.JSONSchemaProps, error) {
	definitions, err := crd.All()
	if err != nil {
		return nil, err
	}
	for _, d := range definitions {
		if d.Spec.Names.Kind == "Workload" {
			return d.Spec.Versions[0].Schema.OpenAPIV3Schema, nil
		}
	}
	return nil, errors.New("there is no Workload among the CRDs of this binary")
}

// Decode reads one Workload and judges it. An error lists everything that is
// wrong with it, by field.
func (j *Judge) Decode(ctx context.Context, text []byte) (*v1alpha1.Workload, error) {
	object, err := Parse(text)
	if err != nil {
		return nil, err
	}
	unknown := pruning.PruneWithOptions(object, j.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	if len(unknown) > 0 {
		return nil, strictError(unknown)
	}
	applied, err := lastApplied(object)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	defaulting.Default(object, j.structural)
	if err := j.validate(ctx, object, applied); err != nil {
		return nil, err
	}
	workload := &v1alpha1.Workload{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, workload); err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	return workload, nil
}

// Parse reads one Workload without judging it.
func Parse(text []byte) (map[string]any, error) {
	object, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	return object, checkKind(object)
}

// parse reads exactly one document. Whole numbers stay whole, as the rules want them.
func parse(text []byte) (map[string]any, error) {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	var object map[string]any
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		text, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			return nil, err
		}
		var next map[string]any
		if err := utiljson.Unmarshal(text, &next); err != nil {
			return nil, fmt.Errorf("it is not an object: %w", err)
		}
		if len(next) > 0 && object != nil {
			return nil, errors.New("it holds more than one document: give one Workload at a time")
		}
		if len(next) > 0 {
			object = next
		}
	}
	if object == nil {
		return nil, errors.New("it is empty")
	}
	return object, nil
}

func checkKind(object map[string]any) error {
	want := v1alpha1.GroupVersion.WithKind("Workload")
	u := unstructured.Unstructured{Object: object}
	if got := u.GroupVersionKind(); got != want {
		return fmt.Errorf("the manifest must be one Workload: apiVersion %s and kind %s, not %q and %q",
			want.GroupVersion(), want.Kind, u.GetAPIVersion(), u.GetKind())
	}
	return nil
}

// strictError says it as the API server's decoder does.
func strictError(unknown []string) error {
	parts := make([]string, len(unknown))
	for i, path := range unknown {
		parts[i] = fmt.Sprintf("unknown field %q", path)
	}
	return fmt.Errorf("strict decoding error: %s", strings.Join(parts, ", "))
}

// validate reports all that is wrong. applied is the object with the annotation of kubectl apply.
func (j *Judge) validate(ctx context.Context, object map[string]any, applied *unstructured.Unstructured) error {
	errs := apivalidation.ValidateObjectMetaAccessor(applied, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, j.validateFields(ctx, object)...)
	return errors.Join(checkSize(applied), errs.ToAggregate())
}

func (j *Judge) validateFields(ctx context.Context, object map[string]any) field.ErrorList {
	errs := validation.ValidateCustomResource(nil, object, j.schema)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, j.structural, object)...)
	if blocksRules(errs) {
		return errs // rules on values of the wrong type or size would only confuse
	}
	broken, _ := j.rules.Validate(ctx, nil, j.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return append(errs, broken...)
}

// blocksRules says whether the API server would leave out the CEL rules.
func blocksRules(errs field.ErrorList) bool {
	for _, err := range errs {
		switch err.Type {
		case field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		default:
		}
	}
	return false
}

// lastApplied is the object as kubectl apply sends it: with itself once more, in
// an annotation. That is what bounds the size of a manifest.
func lastApplied(object map[string]any) (*unstructured.Unstructured, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	u := (&unstructured.Unstructured{Object: object}).DeepCopy()
	if u.GetNamespace() == "" {
		u.SetNamespace(corev1.NamespaceDefault)
	}
	notes := u.GetAnnotations()
	if notes == nil {
		notes = map[string]string{}
	}
	notes[corev1.LastAppliedConfigAnnotation] = string(text)
	u.SetAnnotations(notes)
	return u, nil
}

// maxRequest is what an API server takes in one request.
const maxRequest = 3 << 20

func checkSize(applied *unstructured.Unstructured) error {
	text, err := json.Marshal(applied.Object)
	if err == nil && len(text) > maxRequest {
		return fmt.Errorf("Request entity too large: limit is %d", maxRequest) //nolint:staticcheck // the API server's words
	}
	return err
}
