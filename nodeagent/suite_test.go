// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/config/access"
	"github.com/schedfleet/schedfleet/config/rbac"
)

// How long a story waits for the world to change, and how long it watches that
// it does not.
const (
	soon  = 10 * time.Second
	while = 500 * time.Millisecond
	// tokenLife is longer than the suite.
	tokenLife = time.Hour
)

var (
	// apiServer is real; admin may do everything there.
	apiServer *envtest.Environment
	admin     client.WithWatch
)

func TestNodeAgent(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(soon)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	SetDefaultConsistentlyDuration(while)
	SetDefaultConsistentlyPollingInterval(20 * time.Millisecond)
	RunSpecs(t, "nodeagent")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		Fail("KUBEBUILDER_ASSETS is not set: this suite needs kube-apiserver and etcd. Run `make test-integration`, which builds them")
	}
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter), zap.UseDevMode(true)))

	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, coordinationv1.AddToScheme, v1alpha1.AddToScheme,
	} {
		Expect(add(scheme)).To(Succeed())
	}
	apiServer = &envtest.Environment{
		Scheme:                   scheme,
		CRDDirectoryPaths:        []string{filepath.Join("..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
	}
	config, err := apiServer.Start()
	Expect(err).NotTo(HaveOccurred(), "the API server refuses to start, or a CRD")
	DeferCleanup(func() { Expect(apiServer.Stop()).To(Succeed()) })

	config.QPS, config.Burst = 1000, 1000
	admin, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	Expect(access.Install(ctx, admin)).To(Succeed())
}, NodeTimeout(2*time.Minute))

// agentConfig is that of the agent of a node: the real account, with a token that is
// bound to the node, and what roles and policy leave it, so that a missing privilege
// fails a story.
func agentConfig(name string) *rest.Config {
	GinkgoHelper()
	ctx := context.Background()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	Expect(admin.Create(ctx, node)).To(Succeed())
	token, err := access.Token(ctx, admin, rbac.AgentAccount, node, tokenLife)
	Expect(err).NotTo(HaveOccurred())
	return access.Config(apiServer.Config, token.Token)
}
