// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// decode adds what a text says to an object.
func decode(text string, u *unstructured.Unstructured) error {
	more := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &more); err != nil {
		return err
	}
	if u.Object == nil {
		u.Object = map[string]any{}
	}
	maps.Copy(u.Object, more)
	return nil
}

// Part of each refusal: by the policy, by a role that does not have it.
const (
	denied    = "ValidatingAdmissionPolicy 'schedfleet-agents'"
	forbidden = "is forbidden"
)

var forPeople = []string{denied, "an agent makes its TestNode without labels, annotations, owners, finalizers and spec"}

var notItsQuarantine = []string{denied, "the agent of node node-a does not change the quarantine of its TestNode, which is the manager's"}

// do is what one does to an object of a kind.
type do func(context.Context, client.Client) error

// apply is what agents do: a server-side apply of one's own fields.
func apply(text string) do {
	return func(ctx context.Context, c client.Client) error {
		u := &unstructured.Unstructured{}
		if err := decode(text, u); err != nil {
			return err
		}
		return c.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.ForceOwnership)
	}
}

func applyStatus(text string) do {
	return func(ctx context.Context, c client.Client) error {
		u := &unstructured.Unstructured{}
		if err := decode(text, u); err != nil {
			return err
		}
		return c.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.ForceOwnership)
	}
}

// patch is a merge patch of an object, or of its status.
func patch(o client.Object, text string) do {
	return func(ctx context.Context, c client.Client) error {
		return c.Patch(ctx, o.DeepCopyObject().(client.Object), client.RawPatch("application/merge-patch+json", []byte(text)))
	}
}

func create(o client.Object) do {
	return func(ctx context.Context, c client.Client) error {
		return c.Create(ctx, o.DeepCopyObject().(client.Object))
	}
}

func remove(o client.Object) do {
	return func(ctx context.Context, c client.Client) error {
		return c.Delete(ctx, o.DeepCopyObject().(client.Object))
	}
}

func read(o client.Object) do {
	return func(ctx context.Context, c client.Client) error {
		return c.Get(ctx, client.ObjectKeyFromObject(o), o.DeepCopyObject().(client.Object))
	}
}

func list(l client.ObjectList, in string) do {
	return func(ctx context.Context, c client.Client) error {
		return c.List(ctx, l.DeepCopyObject().(client.ObjectList), client.InNamespace(in))
	}
}

func at(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

const (
	runA        = "apiVersion: schedfleet.dev/v1alpha1\nkind: NodeRun\nmetadata: {namespace: team-a, name: run-a}\n"
	runB        = "apiVersion: schedfleet.dev/v1alpha1\nkind: NodeRun\nmetadata: {namespace: team-a, name: run-b}\n"
	nodeA       = "apiVersion: schedfleet.dev/v1alpha1\nkind: TestNode\n"
	nodeB       = "apiVersion: schedfleet.dev/v1alpha1\nkind: TestNode\nmetadata: {name: node-b}\n"
	ready       = "status: {agentVersion: v1}\n"
	leased      = "spec: {holderIdentity: me}\n"
	quarantined = "status: {conditions: [{type: Quarantined, status: 'True', reason: KeepsFailing, message: m, lastTransitionTime: '2026-01-01T00:00:00Z'}]}\n"
	lease       = "apiVersion: coordination.k8s.io/v1\nkind: Lease\n"
	runs        = "spec: {duration: 1s, groups: [{name: g, workers: 1, work: {spinWait: {}}}]}"
)

func workload(t *testing.T, namespace, name string) *unstructured.Unstructured {
	return object(t, "apiVersion: schedfleet.dev/v1alpha1\nkind: Workload\n", "metadata: {namespace: "+namespace+", name: "+name+"}", runs)
}

func nodeRun(t *testing.T, namespace, name, node string) *unstructured.Unstructured {
	return object(t, "apiVersion: schedfleet.dev/v1alpha1\nkind: NodeRun\n", "metadata: {namespace: "+namespace+", name: "+name+"}",
		"spec: {nodeName: "+node+", workload: {name: w, uid: u}, attempt: 1, runID: run-of-"+name+", run: {duration: 1s, groups: [{name: g, workers: 1, work: {spinWait: {}}}]}}")
}

func TestWhoMayWriteWhat(t *testing.T) {
	c := start(t)
	for _, o := range []client.Object{
		workload(t, tenant, "w"), workload(t, other, "w"),
		nodeRun(t, tenant, "run-a", "node-a"), nodeRun(t, tenant, "run-b", "node-b"), nodeRun(t, other, "run-b", "node-b"),
	} {
		if err := c.admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	// As agents do when they start, one after the other.
	c.check(t, map[string]one{
		"an agent makes its TestNode":                   {agentA, apply(nodeA + "metadata: {name: node-a}"), nil},
		"another agent makes its own":                   {agentB, apply(nodeB), nil},
		"an agent makes its Lease":                      {agentA, apply(lease + "metadata: {namespace: schedfleet-system, name: node-a}\n" + leased), nil},
		"another agent makes its own Lease":             {agentB, apply(lease + "metadata: {namespace: schedfleet-system, name: node-b}\n" + leased), nil},
		"an agent does not make a TestNode of its wish": {agentA, apply(nodeA + "metadata: {name: node-c}"), []string{denied, "writes its own TestNode only, not node-c"}},
		"nor with labels":                               {agentC, apply(nodeA + "metadata: {name: node-c, labels: {pool: all}}"), forPeople},
		"nor with annotations":                          {agentC, apply(nodeA + "metadata: {name: node-c, annotations: {a: b}}"), forPeople},
		"nor with a finalizer":                          {agentC, apply(nodeA + "metadata: {name: node-c, finalizers: [a.b/c]}"), forPeople},
		"nor with a spec":                               {agentC, apply(nodeA + "metadata: {name: node-c}\nspec: {unschedulable: true}"), forPeople},
		"nor under a name to be made up":                {agentC, create(&v1alpha1.TestNode{ObjectMeta: metav1.ObjectMeta{GenerateName: "node-c"}}), []string{denied, "writes its own TestNode only"}},
	})
	// So that it has something to lift; after that it still writes what is its own.
	if err := applyStatus(nodeA+"metadata: {name: node-a}\n"+quarantined)(t.Context(), c.as[manager]); err != nil {
		t.Fatal(err)
	}
	t.Run("agents", func(t *testing.T) { c.check(t, agentCases(t)) })
	t.Run("the manager", func(t *testing.T) { c.check(t, managerCases(t)) })
	t.Run("tenants", func(t *testing.T) { c.check(t, tenantCases(t)) })
	t.Run("a role by mistake", func(t *testing.T) { c.checkMistake(t) })
	t.Run("a token ends with its Node", func(t *testing.T) {
		if err := c.admin.Delete(t.Context(), &corev1.Node{ObjectMeta: at("", "node-b")}); err != nil {
			t.Fatal(err)
		}
		awaitRefusal(t, c.as[agentB], applyStatus(nodeB+ready), "Unauthorized")
	})
}

// checkMistake shows that agents which someone has made administrators write no more than before.
func (c *cluster) checkMistake(t *testing.T) {
	mistake := object(t, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: mistake}\n",
		"roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n",
		"subjects: [{kind: ServiceAccount, name: schedfleet-agent, namespace: schedfleet-system}]")
	if err := c.admin.Create(t.Context(), mistake); err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{ObjectMeta: at(tenant, "s")}
	awaitRefusal(t, c.as[agentA], create(secret), "CREATE of /secrets is not for it")
	only := func(what string) []string { return []string{denied, what + " is not for it"} }
	c.check(t, map[string]one{
		"no Workload":           {agentA, create(workload(t, tenant, "own")), only("CREATE of schedfleet.dev/workloads")},
		"no cancel":             {agentA, patch(&v1alpha1.NodeRun{ObjectMeta: at(tenant, "run-a")}, `{"spec":{"cancel":true}}`), only("UPDATE of schedfleet.dev/noderuns")},
		"no end of a NodeRun":   {agentA, remove(&v1alpha1.NodeRun{ObjectMeta: at(tenant, "run-a")}), only("DELETE of schedfleet.dev/noderuns")},
		"no Lease elsewhere":    {agentA, apply(lease + "metadata: {namespace: team-a, name: node-a}\n" + leased), []string{denied, "writes its own Lease in schedfleet-system only, not team-a/node-a"}},
		"no tokens":             {agentA, tokenOf("schedfleet-manager"), only("CREATE of /serviceaccounts/token")},
		"still its own NodeRun": {agentA, applyStatus(runA + "status: {agentInstance: i}"), nil},
	})
}

func agentCases(t *testing.T) map[string]one {
	testNode := func(name string) client.Object { return &v1alpha1.TestNode{ObjectMeta: at("", name)} }
	run := func(name string) client.Object { return &v1alpha1.NodeRun{ObjectMeta: at(tenant, name)} }
	testNodeOf := []string{denied, "UPDATE of schedfleet.dev/testnodes is not for it"}
	return map[string]one{
		"it writes the status of its NodeRun":                  {agentA, applyStatus(runA + "status: {agentInstance: i}"), nil},
		"it writes the status of its TestNode":                 {agentA, applyStatus(nodeA + "metadata: {name: node-a}\n" + ready), nil},
		"it renews its Lease":                                  {agentA, apply(lease + "metadata: {namespace: schedfleet-system, name: node-a}\n" + leased), nil},
		"it reads NodeRuns, which RBAC can't narrow to a node": {agentA, list(&v1alpha1.NodeRunList{}, ""), nil},

		"not the status of another's NodeRun": {agentA, applyStatus(runB + "status: {agentInstance: i}"),
			[]string{denied, "the agent of node node-a writes the status of its own NodeRuns only: NodeRun team-a/run-b is for node node-b"}},
		"nor by saying that it is its own": {agentA, applyStatus(runB + "spec: {nodeName: node-a}\nstatus: {agentInstance: i}"), []string{denied, "team-a/run-b is for node node-b"}},
		"nor in another namespace": {agentA, applyStatus("apiVersion: schedfleet.dev/v1alpha1\nkind: NodeRun\nmetadata: {namespace: team-b, name: run-b}\nstatus: {agentInstance: i}"),
			[]string{denied, "NodeRun team-b/run-b is for node node-b"}},
		"not another's TestNode":       {agentA, applyStatus(nodeB + ready), []string{denied, "writes its own TestNode only, not node-b"}},
		"not its quarantine, by force": {agentA, applyStatus(nodeA + "metadata: {name: node-a}\n" + strings.Replace(quarantined, "'True'", "'False'", 1)), notItsQuarantine},
		"nor what is remembered of it": {agentA, applyStatus(nodeA + "metadata: {name: node-a}\nstatus: {quarantine: {times: 1}}"), notItsQuarantine},
		"not another's Lease": {agentA, apply(lease + "metadata: {namespace: schedfleet-system, name: node-b}\n" + leased),
			[]string{denied, "the agent of node node-a writes its own Lease in schedfleet-system only, not schedfleet-system/node-b"}},
		"not the leader's Lease":              {agentA, apply(lease + "metadata: {namespace: schedfleet-system, name: manager.schedfleet.dev}\n" + leased), []string{denied, "not schedfleet-system/manager.schedfleet.dev"}},
		"not its Lease elsewhere":             {agentA, apply(lease + "metadata: {namespace: team-a, name: node-a}\n" + leased), []string{forbidden}},
		"not the labels of its TestNode":      {agentA, patch(testNode("node-a"), `{"metadata":{"labels":{"pool":"mine"}}}`), testNodeOf},
		"not the taints of its TestNode":      {agentA, patch(testNode("node-a"), `{"spec":{"taints":[{"key":"k"}]}}`), testNodeOf},
		"not whether it is cordoned":          {agentA, apply(nodeA + "metadata: {name: node-a}\nspec: {unschedulable: true}"), testNodeOf},
		"it does not delete its TestNode":     {agentA, remove(testNode("node-a")), []string{forbidden}},
		"not the spec of its NodeRun":         {agentA, patch(run("run-a"), `{"spec":{"attempt":2}}`), []string{forbidden}},
		"it does not cancel its NodeRun":      {agentA, patch(run("run-a"), `{"spec":{"cancel":true}}`), []string{forbidden}},
		"it does not delete its NodeRun":      {agentA, remove(run("run-a")), []string{forbidden}},
		"it makes no NodeRun":                 {agentA, create(nodeRun(t, tenant, "own", "node-a")), []string{forbidden}},
		"it makes no Workload":                {agentA, create(workload(t, tenant, "own")), []string{forbidden}},
		"not the status of a Workload":        {agentA, applyStatus("apiVersion: schedfleet.dev/v1alpha1\nkind: Workload\nmetadata: {namespace: team-a, name: w}\nstatus: {observedGeneration: 9}"), []string{forbidden}},
		"it reads no Workload":                {agentA, read(&v1alpha1.Workload{ObjectMeta: at(tenant, "w")}), []string{forbidden}},
		"it reads no Secret":                  {agentA, list(&corev1.SecretList{}, system), []string{forbidden}},
		"it lists no Leases":                  {agentA, list(&coordinationv1.LeaseList{}, system), []string{forbidden}},
		"a token without a node: no NodeRun":  {unbound, applyStatus(runA + "status: {agentInstance: i}"), []string{denied, "the agent's token is bound to no Node", "TokenRequest API"}},
		"a token without a node: no TestNode": {unbound, apply(nodeA + "metadata: {name: node-c}"), []string{denied, "bound to no Node"}},
		"a token without a node: no status":   {unbound, applyStatus(nodeB + ready), []string{denied, "bound to no Node"}},
		"a token without a node: no Lease":    {unbound, apply(lease + "metadata: {namespace: schedfleet-system, name: node-c}\n" + leased), []string{denied, "bound to no Node"}},
	}
}

func managerCases(t *testing.T) map[string]one {
	return map[string]one{
		"it reads the fleet":            {manager, list(&v1alpha1.TestNodeList{}, ""), nil},
		"it makes NodeRuns":             {manager, create(nodeRun(t, tenant, "made", "node-a")), nil},
		"it makes no Workload":          {manager, create(workload(t, tenant, "own")), []string{forbidden}},
		"it makes no TestNode":          {manager, create(&v1alpha1.TestNode{ObjectMeta: at("", "node-c")}), []string{forbidden}},
		"it does not label nodes":       {manager, patch(&v1alpha1.TestNode{ObjectMeta: at("", "node-a")}, `{"metadata":{"labels":{"a":"b"}}}`), []string{forbidden}},
		"it sets a node aside":          {manager, applyStatus(nodeB + quarantined), nil},
		"it deletes no namespace":       {manager, remove(&corev1.Namespace{ObjectMeta: at("", other)}), []string{forbidden}},
		"it reads no Secret":            {manager, list(&corev1.SecretList{}, ""), []string{forbidden}},
		"it has no Lease in a tenant's": {manager, create(&coordinationv1.Lease{ObjectMeta: at(tenant, "l")}), []string{forbidden}},
		"it makes no pods":              {manager, create(&corev1.Pod{ObjectMeta: at(system, "p"), Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}}), []string{forbidden}},
	}
}
