// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// An agent has little to say; the limits are there for its mistakes.
const (
	requestsPerSecond = 10
	requestBurst      = 20
)

var (
	nodeRunKind  = v1alpha1.GroupVersion.WithKind("NodeRun")
	testNodeKind = v1alpha1.GroupVersion.WithKind("TestNode")
	leaseKind    = coordinationv1.SchemeGroupVersion.WithKind("Lease")
)

// api is every request of the agent but the watch. All writes to what stands are
// server-side applies of the agent's own fields.
type api struct {
	client         client.Client
	node           string
	leaseNamespace string
}

// connect prepares the client, and the cache that holds this node's NodeRuns.
// Nothing is sent yet, so the API server may come up later.
func connect(config *rest.Config, opts *Options) (*api, cache.Cache, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = requestsPerSecond, requestBurst
	config.UserAgent = "schedfleet-agent/" + opts.Version
	httpClient := opts.HTTPClient
	if httpClient == nil {
		var err error
		if httpClient, err = rest.HTTPClientFor(config); err != nil {
			return nil, nil, err
		}
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, coordinationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, nil, err
		}
	}
	c, err := client.New(config, client.Options{HTTPClient: httpClient, Scheme: scheme, Mapper: mapper(), FieldOwner: v1alpha1.FieldOwnerAgent})
	if err != nil {
		return nil, nil, err
	}
	store, err := cache.New(config, cache.Options{
		HTTPClient: httpClient, Scheme: scheme, Mapper: mapper(),
		ByObject: map[client.Object]cache.ByObject{&v1alpha1.NodeRun{}: {
			Field:     fields.OneTermEqualSelector("spec.nodeName", opts.NodeName),
			Transform: slim,
		}},
	})
	return &api{client: c, node: opts.NodeName, leaseNamespace: opts.LeaseNamespace}, store, err
}

// mapper knows the kinds the agent uses, which spares it discovery.
func mapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper([]schema.GroupVersion{v1alpha1.GroupVersion, coordinationv1.SchemeGroupVersion})
	m.Add(nodeRunKind, meta.RESTScopeNamespace)
	m.Add(testNodeKind, meta.RESTScopeRoot)
	m.Add(leaseKind, meta.RESTScopeNamespace)
	return m
}

// slim takes away what the agent does not look at: NodeRuns that have ended
// stay in the cache for as long as they stand.
func slim(object any) (any, error) {
	if run, ok := object.(*v1alpha1.NodeRun); ok {
		run.ManagedFields = nil
		if run.Finished() {
			run.Spec.Run = v1alpha1.RunSpec{}
			run.Status.Result = nil
		}
	}
	return object, nil
}

// nodeRun reads a NodeRun as it stands now.
func (a *api) nodeRun(ctx context.Context, key types.NamespacedName) (*v1alpha1.NodeRun, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	run := &v1alpha1.NodeRun{}
	if err := a.client.Get(ctx, key, run); err != nil {
		return nil, fmt.Errorf("reading NodeRun %s: %w", key, err)
	}
	return run, nil
}

// version is one version of one NodeRun.
type version struct {
	key             types.NamespacedName
	uid             types.UID
	resourceVersion string
}

func versionOf(run *v1alpha1.NodeRun) version {
	return version{key: keyOf(run), uid: run.UID, resourceVersion: run.ResourceVersion}
}

func keyOf(run *v1alpha1.NodeRun) types.NamespacedName {
	return types.NamespacedName{Namespace: run.Namespace, Name: run.Name}
}

// applyRunStatus writes the status of a NodeRun, and returns its new resource
// version. It is a conflict if the NodeRun is not at this version any more: what
// another has written meanwhile, such as that the node was lost, is not overwritten.
func (a *api) applyRunStatus(ctx context.Context, at version, status *v1alpha1.NodeRunStatus) (string, error) {
	u := object(nodeRunKind, at.key)
	u.SetUID(at.uid)
	u.SetResourceVersion(at.resourceVersion)
	if err := a.applyStatus(ctx, u, status); err != nil {
		return "", fmt.Errorf("writing the status of NodeRun %s: %w", at.key, err)
	}
	return u.GetResourceVersion(), nil
}

// ensureTestNode returns the node's TestNode and creates it if there is none.
func (a *api) ensureTestNode(ctx context.Context) (*v1alpha1.TestNode, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	key := types.NamespacedName{Name: a.node}
	node := &v1alpha1.TestNode{}
	err := a.client.Get(ctx, key, node)
	if apierrors.IsNotFound(err) {
		if err := a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object(testNodeKind, key))); err != nil {
			return nil, fmt.Errorf("creating TestNode %s: %w", a.node, err)
		}
		err = a.client.Get(ctx, key, node)
	}
	if err != nil {
		return nil, fmt.Errorf("reading TestNode %s: %w", a.node, err)
	}
	return node, nil
}

func (a *api) applyNodeStatus(ctx context.Context, status *v1alpha1.TestNodeStatus) error {
	if err := a.applyStatus(ctx, object(testNodeKind, types.NamespacedName{Name: a.node}), status); err != nil {
		return fmt.Errorf("writing the status of TestNode %s: %w", a.node, err)
	}
	return nil
}

// lease reads the node's Lease as it stands now.
func (a *api) lease(ctx context.Context) (*coordinationv1.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	key := types.NamespacedName{Namespace: a.leaseNamespace, Name: a.node}
	lease := &coordinationv1.Lease{}
	if err := a.client.Get(ctx, key, lease); err != nil {
		return nil, fmt.Errorf("reading Lease %s: %w", key, err)
	}
	return lease, nil
}

// renewLease writes the heartbeat of a holder, and returns the Lease's new
// resource version. It is a conflict if the Lease is not at this version any more;
// without a version it creates the Lease.
func (a *api) renewLease(ctx context.Context, resourceVersion, holder string, acquired, now time.Time, lasts time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	key := types.NamespacedName{Namespace: a.leaseNamespace, Name: a.node}
	u := object(leaseKind, key)
	u.Object["spec"] = map[string]any{
		"holderIdentity":       holder,
		"leaseDurationSeconds": int64(lasts.Seconds()),
		"acquireTime":          acquired.UTC().Format(metav1.RFC3339Micro),
		"renewTime":            now.UTC().Format(metav1.RFC3339Micro),
	}
	var err error
	if resourceVersion == "" {
		// Not an apply, which would change a Lease that another has just created.
		err = a.client.Create(ctx, u)
	} else {
		u.SetResourceVersion(resourceVersion)
		err = a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.ForceOwnership)
	}
	if err != nil {
		return "", fmt.Errorf("renewing Lease %s: %w", key, err)
	}
	return u.GetResourceVersion(), nil
}

func (a *api) applyStatus(ctx context.Context, u *unstructured.Unstructured, status any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(status)
	if err != nil {
		return err
	}
	u.Object["status"] = content
	return a.client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.ForceOwnership)
}

func object(kind schema.GroupVersionKind, key types.NamespacedName) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(kind)
	u.SetNamespace(key.Namespace)
	u.SetName(key.Name)
	return u
}

// gone says whether err means that an object is not there. An API server that
// does not serve the kind, as while it starts, answers 404 as well.
func gone(err error) bool {
	return apierrors.IsNotFound(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}
