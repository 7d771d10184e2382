// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/config/access"
)

func tenantCases(t *testing.T) map[string]one {
	theirs := func(namespace string) client.Object { return &v1alpha1.Workload{ObjectMeta: at(namespace, "w")} }
	return map[string]one{
		"they make Workloads in their namespace":     {userA, create(workload(t, tenant, "mine")), nil},
		"they suspend their Workload":                {userA, patch(theirs(tenant), `{"spec":{"suspend":true}}`), nil},
		"they see their NodeRuns":                    {userA, list(&v1alpha1.NodeRunList{}, tenant), nil},
		"they see the fleet":                         {userA, list(&v1alpha1.TestNodeList{}, ""), nil},
		"they see what was said of their Workloads":  {userA, list(&corev1.EventList{}, tenant), nil},
		"they make none in another's":                {userA, create(workload(t, other, "mine")), []string{forbidden}},
		"they see none of another's":                 {userA, read(theirs(other)), []string{forbidden}},
		"they suspend none of another's":             {userA, patch(theirs(other), `{"spec":{"suspend":true}}`), []string{forbidden}},
		"they delete none of another's":              {userA, remove(theirs(other)), []string{forbidden}},
		"they see no NodeRun of another's":           {userA, list(&v1alpha1.NodeRunList{}, other), []string{forbidden}},
		"they see not those of all":                  {userA, list(&v1alpha1.NodeRunList{}, ""), []string{forbidden}},
		"they write no results":                      {userA, applyStatus("apiVersion: schedfleet.dev/v1alpha1\nkind: Workload\nmetadata: {namespace: team-a, name: w}\nstatus: {observedGeneration: 9}"), []string{forbidden}},
		"they write no reports":                      {userA, applyStatus(runA + "status: {agentInstance: i}"), []string{forbidden}},
		"they make no NodeRun past placement":        {userA, create(nodeRun(t, tenant, "own", "node-a")), []string{forbidden}},
		"they cancel a run by its Workload only":     {userA, patch(&v1alpha1.NodeRun{ObjectMeta: at(tenant, "run-a")}, `{"spec":{"cancel":true}}`), []string{forbidden}},
		"they cordon no node":                        {userA, patch(&v1alpha1.TestNode{ObjectMeta: at("", "node-a")}, `{"spec":{"unschedulable":true}}`), []string{forbidden}},
		"they see nothing of where the programs are": {userA, read(&corev1.ServiceAccount{ObjectMeta: at(system, "schedfleet-agent")}), []string{forbidden}},
		"they do not get tokens of the agents":       {userA, tokenOf("schedfleet-agent"), []string{forbidden}},
	}
}

func tokenOf(account string) do {
	return func(ctx context.Context, c client.Client) error {
		_, err := access.Token(ctx, c, account, nil, tokenLife)
		return err
	}
}

// awaitRefusal waits for a refusal that comes with what the API server has yet to hear of.
func awaitRefusal(t *testing.T, c client.Client, does do, want string) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), poll, startTimeout, true, func(ctx context.Context) (bool, error) {
		last = does(ctx, c)
		return judge(last, []string{want}) == nil, nil
	})
	if err != nil {
		t.Errorf("got %v, want %s", last, want)
	}
}
