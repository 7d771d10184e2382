// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package access gives the programs their accounts in a cluster: it creates what
// config/rbac and config/policy say, and requests tokens. It is for development
// clusters and tests; elsewhere kubectl and the kubelet do that.
package access

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/config/policy"
	"github.com/schedfleet/schedfleet/config/rbac"
)

// Objects are the namespace, accounts, roles, bindings and the admission policy,
// in an order in which they can be created.
func Objects() ([]*unstructured.Unstructured, error) {
	texts, err := rbac.All()
	if err != nil {
		return nil, fmt.Errorf("reading the embedded roles: %w", err)
	}
	var all []*unstructured.Unstructured
	for _, text := range append(texts, policy.Agents) {
		objects, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("parsing an embedded manifest: %w", err)
		}
		all = append(all, objects...)
	}
	return all, nil
}

func parse(text []byte) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		u := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(document, &u.Object); err != nil {
			return nil, err
		}
		if len(u.Object) > 0 { // nothing but a comment otherwise
			all = append(all, u)
		}
	}
}

// Install creates the objects in a cluster that has none of them.
func Install(ctx context.Context, c client.Client) error {
	objects, err := Objects()
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := c.Create(ctx, o); err != nil {
			return fmt.Errorf("creating %s %s: %w", o.GetKind(), o.GetName(), err)
		}
	}
	return nil
}

// Token requests a token of one of our service accounts. With a node it is bound to
// that, as the token of a pod there is: it ends with the Node object, and speaks for
// no other. The API server may let it last for less than asked.
func Token(ctx context.Context, c client.Client, account string, node *corev1.Node, lasts time.Duration) (*authenticationv1.TokenRequestStatus, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(lasts.Seconds()))}}
	if node != nil {
		request.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID}
	}
	owner := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: v1alpha1.DefaultLeaseNamespace, Name: account}}
	if err := c.SubResource("token").Create(ctx, owner, request); err != nil {
		return nil, fmt.Errorf("requesting a token of %s: %w", account, err)
	}
	return &request.Status, nil
}

// Config is how to reach the API server of another config with a token instead.
func Config(of *rest.Config, token string) *rest.Config {
	config := rest.AnonymousClientConfig(of)
	config.BearerToken = token
	return config
}
