// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package access_test shows on a real API server, with what kubectl apply -k
// config/default put there, who may write what.
package access_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/config/access"
	"github.com/schedfleet/schedfleet/config/rbac"
)

const (
	system = v1alpha1.DefaultLeaseNamespace
	tenant = "team-a"
	other  = "team-b"
	// tokenLife is the shortest that the API server gives.
	tokenLife = 10 * time.Minute
	// startTimeout bounds each step of bringing the API server up.
	startTimeout = time.Minute
	poll         = 50 * time.Millisecond
)

// cluster is an API server with schedfleet in it, and clients of who uses it.
type cluster struct {
	config *rest.Config
	scheme *runtime.Scheme
	admin  client.Client
	as     map[string]client.Client
}

// Who acts in the tests.
const (
	agentA  = "the agent of node-a"
	agentB  = "the agent of node-b"
	agentC  = "the agent of node-c, which has no TestNode"
	unbound = "an agent without a node"
	manager = "the manager"
	userA   = "a user of team-a"
)

func start(t *testing.T) *cluster {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: this suite needs kube-apiserver, etcd and kubectl. Run `make test-integration`, which builds them")
	}
	server := &envtest.Environment{ControlPlaneStartTimeout: startTimeout}
	config, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	config.QPS = -1
	c := &cluster{config: config, scheme: runtime.NewScheme(), as: map[string]client.Client{}}
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(c.scheme); err != nil {
			t.Fatal(err)
		}
	}
	user, err := server.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.install(t, user)
	c.admin = c.client(t, config)
	c.people(t, server)
	c.awaitPolicy(t)
	return c
}

// install applies config/default with the real kubectl, twice: what stands there already is no error.
func (c *cluster) install(t *testing.T, user *envtest.AuthenticatedUser) {
	t.Helper()
	text, err := user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, text, 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl := filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl")
	for range 2 {
		cmd := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", kubeconfig, "apply", "-k", filepath.Join("..", "..", "config", "default"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("kubectl apply -k config/default: %v\n%s", err, out)
		}
	}
	cmd := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", kubeconfig, "wait", "--for=condition=Established", "crd", "--all", "--timeout", startTimeout.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func (c *cluster) client(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	cl, err := client.New(config, client.Options{Scheme: c.scheme})
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// people makes the nodes, namespaces, tokens and users.
func (c *cluster) people(t *testing.T, server *envtest.Environment) {
	t.Helper()
	ctx := t.Context()
	for who, n := range map[string]string{agentA: "node-a", agentB: "node-b", agentC: "node-c"} {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n}}
		if err := c.admin.Create(ctx, node); err != nil {
			t.Fatal(err)
		}
		c.as[who] = c.withToken(t, rbac.AgentAccount, node)
	}
	c.as[unbound] = c.withToken(t, rbac.AgentAccount, nil)
	c.as[manager] = c.withToken(t, rbac.ManagerAccount, nil)
	for _, ns := range []string{tenant, other} {
		if err := c.admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}); err != nil {
			t.Fatal(err)
		}
	}
	user, err := server.AddUser(envtest.User{Name: "alice", Groups: []string{tenant}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.as[userA] = client.WithFieldOwner(c.client(t, user.Config()), "alice")
	for _, binding := range []string{
		`{kind: RoleBinding, metadata: {namespace: team-a, name: team-a}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: schedfleet-user}}`,
		`{kind: ClusterRoleBinding, metadata: {name: team-a}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: schedfleet-node-viewer}}`,
	} {
		u := object(t, "apiVersion: rbac.authorization.k8s.io/v1\nsubjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: team-a}]\n", binding)
		if err := c.admin.Create(ctx, u); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *cluster) withToken(t *testing.T, account string, node *corev1.Node) client.Client {
	t.Helper()
	token, err := access.Token(t.Context(), c.admin, account, node, tokenLife)
	if err != nil {
		t.Fatal(err)
	}
	owner := account // of the fields it applies: what one leaves out is not taken from another
	if node != nil {
		owner += "-" + node.Name
	}
	return client.WithFieldOwner(c.client(t, access.Config(c.config, token.Token)), owner)
}

// awaitPolicy waits until the API server goes by the policy, of which it hears by a watch.
func (c *cluster) awaitPolicy(t *testing.T) {
	t.Helper()
	lease := object(t, "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {namespace: schedfleet-system, name: probe}\n")
	err := wait.PollUntilContextTimeout(t.Context(), poll, startTimeout, true, func(ctx context.Context) (bool, error) {
		err := c.as[unbound].Create(ctx, lease.DeepCopy(), client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), "bound to no Node"), nil
	})
	if err != nil {
		t.Fatalf("the policy is not in force: %v", err)
	}
}

// one is one thing that someone tries.
type one struct {
	who  string
	does func(context.Context, client.Client) error
	// want are parts of the refusal; none, it must succeed.
	want []string
}

func (c *cluster) check(t *testing.T, cases map[string]one) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := tc.does(t.Context(), c.as[tc.who])
			if err := judge(err, tc.want); err != nil {
				t.Errorf("%s: %v", tc.who, err)
			}
		})
	}
}

func judge(err error, want []string) error {
	switch {
	case len(want) == 0 && err != nil:
		return fmt.Errorf("refused: %w", err)
	case len(want) > 0 && err == nil:
		return errors.New("it was let")
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			return fmt.Errorf("want %q in: %w", part, err)
		}
	}
	return nil
}

// object is one of YAML lines.
func object(t *testing.T, lines ...string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	for _, l := range lines {
		if err := decode(l, u); err != nil {
			t.Fatalf("%v in\n%s", err, l)
		}
	}
	return u
}
