// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// clusterFlags say which cluster, and which of its namespaces, as for kubectl.
type clusterFlags struct{ namespace, kubeconfig string }

func (f *clusterFlags) register(cmd *cobra.Command, namespaceOf string) {
	cmd.Flags().StringVarP(&f.namespace, "namespace", "n", "", namespaceOf+" (default that of the kubeconfig)")
	cmd.Flags().StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig of the cluster (default $KUBECONFIG, then ~/.kube/config)")
}

// connect is a client of the cluster, and the namespace.
func (f *clusterFlags) connect() (client.Client, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.kubeconfig
	loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{})
	config, err := loaded.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("finding the cluster (set KUBECONFIG, or give --kubeconfig): %w", err)
	}
	namespace := f.namespace
	if namespace == "" {
		if namespace, _, err = loaded.Namespace(); err != nil {
			return nil, "", err
		}
	}
	scheme, err := clusterScheme()
	if err != nil {
		return nil, "", err
	}
	api, err := client.New(config, client.Options{Scheme: scheme})
	return api, namespace, err
}

// clusterScheme has the kinds of objects that the commands read.
func clusterScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, coordinationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	return scheme, nil
}
