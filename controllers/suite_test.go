// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
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
	soon  = 20 * time.Second
	while = 1500 * time.Millisecond
	// tokenLife is longer than the suite.
	tokenLife = time.Hour
)

var (
	// apiServer is real; admin may do everything there.
	apiServer *envtest.Environment
	admin     client.WithWatch
	// managerConfig is that of the manager's own account.
	managerConfig *rest.Config
)

func TestControllers(t *testing.T) {
	RegisterFailHandler(Fail)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyTimeout(soon)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	SetDefaultConsistentlyDuration(while)
	SetDefaultConsistentlyPollingInterval(50 * time.Millisecond)
	RunSpecs(t, "controllers")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		Fail("KUBEBUILDER_ASSETS is not set: this suite needs kube-apiserver and etcd. Run `make test-integration`, which builds them")
	}
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter), zap.UseDevMode(true)))

	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())

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
	managerConfig = managerAccount(ctx)
}, NodeTimeout(2*time.Minute))

// managerAccount is the real one, with a token and the roles that a cluster gives it,
// so that a missing privilege fails a story.
func managerAccount(ctx context.Context) *rest.Config {
	GinkgoHelper()
	Expect(access.Install(ctx, admin)).To(Succeed())
	token, err := access.Token(ctx, admin, rbac.ManagerAccount, nil, tokenLife)
	Expect(err).NotTo(HaveOccurred())
	return access.Config(apiServer.Config, token.Token)
}
