// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/admission"
	"github.com/schedfleet/schedfleet/controllers/placement"
	"github.com/schedfleet/schedfleet/controllers/workload"
)

// planTimeout bounds what a plan asks of the API server: lists of thousands of objects.
const planTimeout = time.Minute

type planOptions struct {
	output, leaseNamespace string
	cluster                clusterFlags
}

func newPlanCommand() *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan FILE",
		Short: "Say where a cluster would run a Workload now, and how",
		Long: `Send a Workload's manifest to the API server as a dry run, which nothing keeps, and
decide about it as the manager would now: which test nodes it would get, and why
not the others. For each node that fits it also says which CPUs the cgroups and
groups would have there, and how many workers. FILE may be - for standard input.

It reads TestNodes, their Leases, NodeRuns and Workloads, and needs the right to
list them and to create the Workload.

Exit codes:
  0  it would start now, on all nodes asked for
  1  the cluster could not be asked
  2  the manifest is wrong
  5  it would wait: enough nodes fit, but too few are free
  6  it would wait: fewer nodes fit than are asked for`,
		Args: exactlyOneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return o.run(ctx, args[0], cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "table", "table, json or yaml")
	cmd.Flags().StringVar(&o.leaseNamespace, "lease-namespace", v1alpha1.DefaultLeaseNamespace, "namespace of the agents' Leases")
	o.cluster.register(cmd, "namespace of the Workload, if the manifest names none")
	return cmd
}

var planWriters = map[string]func(io.Writer, *plan) error{
	"table": printPlan,
	"json": func(w io.Writer, p *plan) error {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(p)
	},
	"yaml": func(w io.Writer, p *plan) error {
		text, err := yaml.Marshal(p)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	},
}

func (o *planOptions) run(ctx context.Context, path string, stdin io.Reader, stdout io.Writer) error {
	write, ok := planWriters[o.output]
	if !ok {
		return badCall{fmt.Errorf("--output must be table, json or yaml, not %q", o.output)}
	}
	text, err := readManifest(path, stdin)
	if err != nil {
		return badCall{err}
	}
	object, err := admission.Parse(text)
	if err != nil {
		return badCall{fmt.Errorf("%s: %w", path, err)}
	}
	api, namespace, err := o.cluster.connect()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, planTimeout)
	defer cancel()
	p, err := o.plan(ctx, api, &unstructured.Unstructured{Object: object}, namespace)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := write(stdout, p); err != nil {
		return err
	}
	return p.outcome()
}

// plan asks the API server and decides as the manager does.
func (o *planOptions) plan(ctx context.Context, api client.Client, object *unstructured.Unstructured, namespace string) (*plan, error) {
	if object.GetNamespace() == "" {
		object.SetNamespace(namespace)
	}
	w, err := dryRun(ctx, api, object)
	if err != nil {
		return nil, err
	}
	foreseen, err := workload.Foresee(ctx, api, clock.RealClock{}, o.leaseNamespace, w)
	if err != nil {
		return nil, err
	}
	if foreseen.Refusal != nil {
		return nil, badCall{foreseen.Refusal}
	}
	return newPlan(w, foreseen)
}

// dryRun is the Workload as the API server would keep it. What it refuses is the
// caller's error; that it is not there, or lets nobody in, is not.
func dryRun(ctx context.Context, api client.Client, object *unstructured.Unstructured) (*v1alpha1.Workload, error) {
	switch err := api.Create(ctx, object, client.DryRunAll, client.FieldValidation("Strict")); {
	case apierrors.IsAlreadyExists(err):
		return nil, badCall{fmt.Errorf("%w: a plan is about a Workload that is not there yet; give it another name, or see what the Workload itself says", err)}
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return nil, badCall{err}
	case err != nil:
		return nil, fmt.Errorf("asking the API server for a dry run: %w", err)
	}
	w := &v1alpha1.Workload{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, w); err != nil {
		return nil, fmt.Errorf("reading what the API server made of the Workload: %w", err)
	}
	return w, nil
}

// plan is where a Workload would run, and how.
type plan struct {
	Workload  string `json:"workload"`
	Namespace string `json:"namespace"`
	// Starts says whether it would start now on all nodes asked for.
	Starts bool `json:"starts"`
	// NodesWanted is how many nodes are asked for, as far as that is known.
	NodesWanted int `json:"nodesWanted"`
	// Reason and Message say what it would wait for, as its condition Placed would.
	Reason  string        `json:"reason,omitempty"`
	Message string        `json:"message,omitempty"`
	Nodes   []plannedNode `json:"nodes"`
	// Runs are the run on the nodes that fit, one per kind of machine.
	Runs []plannedRun `json:"runs"`
}

// plannedNode is what a node is to the Workload.
type plannedNode struct {
	Name   string         `json:"name"`
	State  placement.Fate `json:"state"`
	Why    string         `json:"why,omitempty"`
	Shape  string         `json:"shape,omitempty"`
	Kernel string         `json:"kernel,omitempty"`
	Class  string         `json:"class,omitempty"`
}

func newPlan(w *v1alpha1.Workload, foreseen *workload.Foresight) (*plan, error) {
	d := &foreseen.Decision
	p := &plan{Workload: w.Name, Namespace: w.Namespace, NodesWanted: d.Wanted, Reason: d.Reason, Message: d.Message}
	if w.Spec.Suspend {
		p.Reason, p.Message = v1alpha1.ReasonSuspended, "nothing is placed while spec.suspend is set; without it: "+cmp.Or(d.Message, "it starts at once")
	}
	p.Starts = p.Reason == ""
	outlooks := slices.Clone(foreseen.Outlooks)
	slices.SortStableFunc(outlooks, func(a, b placement.Outlook) int {
		return cmp.Or(cmp.Compare(slices.Index(fates, a.Fate), slices.Index(fates, b.Fate)), cmp.Compare(a.Node.Name, b.Node.Name))
	})
	for _, o := range outlooks {
		n := plannedNode{Name: o.Node.Name, State: o.Fate, Why: o.Why, Kernel: o.Node.Status.Kernel, Class: o.Node.Class()}
		if t := o.Node.Status.Topology; t != nil {
			n.Shape = t.Shape
		}
		p.Nodes = append(p.Nodes, n)
	}
	var err error
	p.Runs, err = plannedRuns(&w.Spec.RunSpec, outlooks)
	return p, err
}

// fates in the order in which a plan lists them.
var fates = []placement.Fate{placement.Chosen, placement.Kept, placement.Fits, placement.Ahead, placement.Busy, placement.Excluded}

// errWaits says that there is a plan, by which the Workload would not start now.
type errWaits struct{ reason string }

func (e errWaits) Error() string { return "the Workload would wait: " + e.reason }

func (p *plan) outcome() error {
	if p.Starts {
		return nil
	}
	return errWaits{p.Reason}
}
