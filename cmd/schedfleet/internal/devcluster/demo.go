// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// demoTimeout bounds the run of the demo's Workload.
const demoTimeout = 10 * time.Minute

// Demo is one run of the demonstration.
type Demo struct {
	Options
	// Manifest is what is applied; its first Workload is followed to its end.
	Manifest []byte
	// Report prints the result of a finished Workload.
	Report func(w io.Writer, wl *v1alpha1.Workload)
	// Linger keeps the cluster after the report until the context ends.
	Linger bool
	Out    io.Writer
}

// Run brings a cluster up, runs the Workload on it and takes it down again.
// It leaves nothing behind, whenever ctx ends. That end is no error.
func (d *Demo) Run(ctx context.Context) (err error) {
	key, err := workloadIn(d.Manifest)
	if err != nil {
		return err
	}
	if err := d.check(); err != nil {
		return err
	}
	if _, err := os.Lstat(paths(d.Dir).lock()); err == nil {
		return fmt.Errorf("%s has a cluster, which the demo would take down at its end; name another directory with --dir", d.Dir)
	}
	defer func() {
		if ctx.Err() != nil {
			err = nil // told to stop, which is what comes now
		}
		err = errors.Join(err, d.tearDown(ctx))
	}()
	state, err := Up(ctx, d.Options, d.Out)
	if err != nil {
		return err
	}
	if err := d.apply(ctx, state); err != nil {
		return err
	}
	workload, err := d.follow(ctx, state, key)
	if err != nil {
		return err
	}
	fmt.Fprintln(d.Out)
	d.Report(d.Out, workload)
	if d.Linger {
		d.printHowToGoOn(state, key)
		<-ctx.Done()
	}
	if !meta.IsStatusConditionTrue(workload.Status.Conditions, v1alpha1.ConditionComplete) {
		return fmt.Errorf("the Workload %s failed", key)
	}
	return nil
}

func (d *Demo) tearDown(ctx context.Context) error {
	fmt.Fprintln(d.Out, "\nstopping the cluster")
	down, cancel := context.WithTimeout(context.WithoutCancel(ctx), downTimeout)
	defer cancel()
	if err := Down(down, d.Dir, io.Discard); err != nil {
		return err
	}
	fmt.Fprintln(d.Out, "no process, cgroup or file of it is left")
	return nil
}

// apply hands the manifest to the API server the way people do.
func (d *Demo) apply(ctx context.Context, s State) error {
	fmt.Fprintln(d.Out, "\n$ kubectl apply -f demo.yaml")
	kubectl := exec.CommandContext(ctx, filepath.Join(s.Assets, "kubectl"), "apply", "-f", "-",
		"--cache-dir="+filepath.Join(paths(d.Dir).temp(), "kubectl"))
	kubectl.Stdin = bytes.NewReader(d.Manifest)
	kubectl.Stdout, kubectl.Stderr = d.Out, d.Out
	kubectl.Env = append(os.Environ(), "KUBECONFIG="+s.Kubeconfig)
	if err := kubectl.Run(); err != nil {
		return fmt.Errorf("applying the demo's manifest: %w", err)
	}
	return nil
}

// follow prints what happens to the Workload and its NodeRuns until it has
// finished, and returns it.
func (d *Demo) follow(ctx context.Context, s State, key client.ObjectKey) (*v1alpha1.Workload, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's kubeconfig: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	changes, err := watch(ctx, cfg, key.Namespace, &v1alpha1.Workload{}, &v1alpha1.NodeRun{})
	if err != nil {
		return nil, fmt.Errorf("watching the Workload %s: %w", key, err)
	}
	shown := newProgress(d.Out)
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the Workload %s has not finished within %v: %w", key, demoTimeout, ctx.Err())
		case o := <-changes:
			switch o := o.(type) {
			case *v1alpha1.Workload:
				if o.Name != key.Name {
					continue
				}
				shown.conditions("workload/"+o.Name, o.Status.Conditions)
				if o.Finished() {
					return o, nil
				}
			case *v1alpha1.NodeRun:
				shown.conditions("noderun/"+o.Name, o.Status.Conditions)
			}
		}
	}
}

func (d *Demo) printHowToGoOn(s State, key client.ObjectKey) {
	fmt.Fprintf(d.Out, `
The cluster stays up until you press Ctrl-C. To go on by hand, in another terminal:

  export KUBECONFIG=%s
  export PATH=%s:%s:$PATH
  kubectl get schedfleet -A
  kubectl describe workload %s -n %s
  kubectl explain workload.spec.groups

`, s.Kubeconfig, d.BinDir, s.Assets, key.Name, key.Namespace)
}

// workloadIn returns the name of the first Workload in a manifest.
func workloadIn(manifest []byte) (client.ObjectKey, error) {
	docs := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return client.ObjectKey{}, errors.New("the manifest has no Workload")
		}
		var o metav1.PartialObjectMetadata
		if err == nil {
			err = yaml.Unmarshal(doc, &o)
		}
		if err != nil {
			return client.ObjectKey{}, fmt.Errorf("reading the manifest: %w", err)
		}
		if o.Kind == "Workload" {
			key := client.ObjectKeyFromObject(&o)
			if key.Namespace == "" {
				key.Namespace = metav1.NamespaceDefault
			}
			return key, nil
		}
	}
}
