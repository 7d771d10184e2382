// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of every kind in this package.
var GroupVersion = schema.GroupVersion{Group: "schedfleet.dev", Version: "v1alpha1"}

// AddToScheme registers the kinds of this package.
var AddToScheme = schemeBuilder.AddToScheme

var schemeBuilder = runtime.NewSchemeBuilder(func(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&Workload{}, &WorkloadList{},
		&NodeRun{}, &NodeRunList{},
		&TestNode{}, &TestNodeList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
})
