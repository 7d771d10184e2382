// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e tests whole stories: the real binaries, a real control plane, real
// kubectl, real workers. It knows the API and a client, and otherwise does what a person would.
package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func TestE2E(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("whole clusters need root: cgroups and real-time classes; run make test as root")
	}
	RegisterFailHandler(Fail)
	RunSpecs(t, "e2e")
}

const (
	upTimeout   = 3 * time.Minute
	downTimeout = time.Minute
)

// cluster is what dev up started.
type cluster struct {
	dir    string
	bin    string
	assets string
	client client.Client
	// restarted are children that a story started again by itself.
	restarted map[string]process
}

// process identifies a process as dev up's state file does.
type process struct {
	PID       int    `json:"pid"`
	StartTime uint64 `json:"startTime"`
}

// state is what of dev up's state file the stories need.
type state struct {
	Supervisor process            `json:"supervisor"`
	Children   map[string]process `json:"children"`
	CgroupRoot string             `json:"cgroupRoot"`
	Kubeconfig string             `json:"kubeconfig"`
}

var c *cluster

var _ = BeforeSuite(func(ctx context.Context) {
	c = &cluster{bin: os.Getenv("SCHEDFLEET_BIN"), assets: os.Getenv("KUBEBUILDER_ASSETS")}
	Expect(c.bin).NotTo(BeEmpty(), "SCHEDFLEET_BIN is not set: run make test-e2e")
	Expect(c.assets).NotTo(BeEmpty(), "KUBEBUILDER_ASSETS is not set: run make test-e2e")
	base, err := os.MkdirTemp("", "schedfleet-e2e-")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(os.RemoveAll, base)
	c.dir = filepath.Join(base, "cluster")

	DeferCleanup(func(ctx context.Context) {
		s, err := c.state()
		Expect(err).NotTo(HaveOccurred())
		out, err := c.schedfleet(ctx, downTimeout, "dev", "down", "--dir", c.dir)
		Expect(err).NotTo(HaveOccurred(), out)
		assertGone(s)
	})
	out, err := c.schedfleet(ctx, upTimeout, "dev", "up", "--dir", c.dir, "--nodes", "2", "--assets", c.assets)
	Expect(err).NotTo(HaveOccurred(), out)
	c.client = newClient()
}, NodeTimeout(upTimeout+downTimeout))

// JustAfterEach shows what a person would look at first.
var _ = JustAfterEach(func(ctx context.Context) {
	if !CurrentSpecReport().Failed() {
		return
	}
	for _, args := range [][]string{{"get", "schedfleet", "-A", "-o", "wide"}, {"get", "workloads", "-A", "-o", "yaml"}, {"get", "events", "-A"}} {
		out, _ := c.kubectl(ctx, "", args...)
		GinkgoWriter.Println("$ kubectl", args, "\n"+out)
	}
	logs, _ := filepath.Glob(filepath.Join(c.dir, "logs", "*.log"))
	for _, log := range logs {
		name := filepath.Base(log)
		if _, again := c.restarted[strings.TrimSuffix(name, ".log")]; !again && (name == "etcd.log" || name == "kube-apiserver.log") {
			continue
		}
		text, _ := os.ReadFile(log)
		GinkgoWriter.Println("$ tail", log, "\n"+string(text[max(0, len(text)-4000):]))
	}
})

func (c *cluster) state() (state, error) {
	var s state
	text, err := os.ReadFile(filepath.Join(c.dir, "state.json"))
	if err != nil {
		return s, err
	}
	err = json.Unmarshal(text, &s)
	maps.Copy(s.Children, c.restarted)
	return s, err
}

func (c *cluster) schedfleet(ctx context.Context, limit time.Duration, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(c.bin, "schedfleet"), args...).CombinedOutput()
	return string(out), err
}

// kubectl runs the real kubectl with a manifest on its standard input.
func (c *cluster) kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(c.assets, "kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(c.dir, "kubeconfig"))
	if stdin != "" {
		in, err := os.CreateTemp(GinkgoT().TempDir(), "")
		if err != nil {
			return "", err
		}
		defer in.Close()
		if _, err := in.WriteString(stdin); err != nil {
			return "", err
		}
		if _, err := in.Seek(0, 0); err != nil {
			return "", err
		}
		cmd.Stdin = in
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func newClient() client.Client {
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(c.dir, "kubeconfig"))
	Expect(err).NotTo(HaveOccurred())
	scheme := runtime.NewScheme()
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	cl, err := client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return cl
}

// assertGone checks that dev down left nothing of a cluster.
func assertGone(s state) {
	GinkgoHelper()
	_, err := os.Stat(s.CgroupRoot)
	Expect(errors.Is(err, fs.ErrNotExist)).To(BeTrue(), "cgroup %s is left: %v", s.CgroupRoot, err)
	_, err = os.Stat(filepath.Join(c.dir, "kubeconfig"))
	Expect(errors.Is(err, fs.ErrNotExist)).To(BeTrue(), "files are left in %s: %v", c.dir, err)
	s.Children["supervisor"] = s.Supervisor
	for name, p := range s.Children {
		Expect(p.alive()).To(BeFalse(), "%s (pid %d) is alive", name, p.PID)
	}
}
