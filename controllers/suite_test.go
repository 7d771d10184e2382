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
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/config/rbac"
)

// How long a story waits for the world to change, and how long it watches that
// it does not.
const (
	soon  = 20 * time.Second
	while = 1500 * time.Millisecond
)

var (
	// apiServer is real; admin may do everything there.
	apiServer *envtest.Environment
	admin     client.WithWatch
	// managerConfig is the manager's own account, with the rights of its role.
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
	Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.DefaultLeaseNamespace}})).To(Succeed())
	managerConfig = managerAccount(ctx)
}, NodeTimeout(2*time.Minute))

// managerAccount makes a user with the generated role and nothing else, so that
// a missing privilege fails a story.
func managerAccount(ctx context.Context) *rest.Config {
	GinkgoHelper()
	const role = "schedfleet-manager"
	user, err := apiServer.AddUser(envtest.User{Name: role}, nil)
	Expect(err).NotTo(HaveOccurred())
	roles, err := rbac.Manager()
	Expect(err).NotTo(HaveOccurred())
	for _, role := range roles.Cluster {
		Expect(admin.Create(ctx, role)).To(Succeed())
	}
	for _, role := range roles.Namespaced {
		Expect(admin.Create(ctx, role)).To(Succeed())
	}
	subjects := []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: role}}
	Expect(admin.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   subjects,
	})).To(Succeed())
	Expect(admin.Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role, Namespace: v1alpha1.DefaultLeaseNamespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role},
		Subjects:   subjects,
	})).To(Succeed())
	return user.Config()
}
