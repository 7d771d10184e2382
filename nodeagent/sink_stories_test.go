// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/sink"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// How long the status of a run waits for a sink in these stories: not for long, for
// longer than a run takes on a busy machine, or for as long as it has to.
const (
	sinkWait = time.Second
	longWait = soon / 2
	anyWait  = time.Hour
)

// doorway is a sink that can be shut.
type doorway struct {
	dir  string
	open *sink.Sink

	mu    sync.Mutex
	shut  error
	tries int
}

func newDoorway() *doorway {
	GinkgoHelper()
	d := &doorway{dir: filepath.Join(GinkgoT().TempDir(), "reports")}
	var err error
	d.open, err = sink.Open("file://" + d.dir)
	Expect(err).NotTo(HaveOccurred())
	return d
}

func (d *doorway) Put(ctx context.Context, name string, data []byte) (sink.Reference, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries++
	if d.shut != nil {
		return sink.Reference{}, d.shut
	}
	return d.open.Put(ctx, name, data)
}

func (d *doorway) set(shut error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = shut
}

func (d *doorway) tried() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tries
}

var errAway = errors.New("the sink is away")

// referred is the reference in the status of a NodeRun, nil while there is none.
func referred(ctx context.Context, run *v1alpha1.NodeRun) func() *v1alpha1.ReportReference {
	return func() *v1alpha1.ReportReference {
		if result := get(ctx, run).Status.Result; result != nil {
			return result.Report
		}
		return nil
	}
}

// expectReport fetches what a NodeRun refers to.
func (d *doorway) expectReport(ctx context.Context, run *v1alpha1.NodeRun) {
	GinkgoHelper()
	live := get(ctx, run)
	ref := live.Status.Result.Report
	Expect(ref).NotTo(BeNil())
	Expect(ref.URL).To(Equal("file://" + d.dir + "/default/w/" + run.Name + "-" + run.Spec.RunID + ".json"))
	text, err := sink.Get(ctx, ref.URL, ref.SHA256)
	Expect(err).NotTo(HaveOccurred())
	Expect(ref.Bytes).To(BeEquivalentTo(len(text)))
	rep := &report.Report{}
	Expect(json.Unmarshal(text, rep)).To(Succeed())
	Expect(rep.RunID).To(Equal(run.Spec.RunID))
	Expect(rep.Workers).To(HaveLen(2), "the whole report, with its workers")
	Expect(live.Valid()).To(BeTrue())
}

var _ = Describe("the raw report", func() {
	It("is in the sink before the status says that the run has ended", func(ctx SpecContext) {
		m, d := newMachine(), newDoorway()
		m.sink = d
		m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
		d.expectReport(ctx, run)
		Expect(m.net.seen("PATCH", "/noderuns/")).To(HaveLen(2), "one write for the end, with the reference in it")
		Eventually(m.spooled).Should(BeEmpty())
	})

	It("is waited for while the sink is away for a moment", func(ctx SpecContext) {
		m, d := newMachine(), newDoorway()
		m.sink, m.sinkWait = d, anyWait
		d.set(errAway)
		m.start()
		run := m.nodeRun(ctx)
		Eventually(d.tried).Should(BeNumerically(">=", 2), "it is tried again")
		Expect(state(ctx, run)()).To(Equal("started"))
		d.set(nil)
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
		d.expectReport(ctx, run)
	})

	It("is added later where the sink was away for long, and nothing else changes", func(ctx SpecContext) {
		m, d := newMachine(), newDoorway()
		m.sink, m.sinkWait = d, longWait
		d.set(errAway)
		m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
		without := get(ctx, run)
		Expect(without.Status.Result.Report).To(BeNil())
		Expect(m.spooled()).To(HaveLen(1))

		By("not holding up the next, when the sink is known to be away")
		next := m.nodeRun(ctx)
		began := time.Now()
		Eventually(state(ctx, next)).Should(Equal("Complete Valid"))
		Expect(time.Since(began)).To(BeNumerically("<", longWait))

		d.set(nil)
		Eventually(referred(ctx, run)).ShouldNot(BeNil())
		Eventually(referred(ctx, next)).ShouldNot(BeNil())
		d.expectReport(ctx, run)
		d.expectReport(ctx, next)
		Eventually(m.spooled).Should(BeEmpty())
		with := get(ctx, run)
		with.Status.Result.Report = nil
		Expect(with.Status).To(Equal(without.Status))
	})

	It("outlives its agent", func(ctx SpecContext) {
		m, d := newMachine(), newDoorway()
		m.sink = d
		d.set(errAway)
		stop := m.start()
		early, late := m.nodeRun(ctx), m.nodeRun(ctx)
		Eventually(state(ctx, early)).Should(Equal("Complete Valid"))
		Eventually(state(ctx, late)).Should(Equal("Complete Valid"))
		waiting := m.nodeRun(ctx)
		Eventually(state(ctx, waiting)).Should(Equal("Complete Valid"))
		m.kill(stop)
		Expect(m.spooled()).To(HaveLen(3))

		d.set(nil)
		m.start()
		for _, run := range []*v1alpha1.NodeRun{early, late, waiting} {
			Eventually(referred(ctx, run)).ShouldNot(BeNil())
			d.expectReport(ctx, run)
		}
		Eventually(m.spooled).Should(BeEmpty())
		Expect(m.runner.ran()).To(HaveLen(3))
	})

	It("outlives its agent also before the API server has the status", func(ctx SpecContext) {
		m, d := newMachine(), newDoorway()
		m.sink = d
		d.set(errAway)
		letGo := make(chan struct{})
		m.runner.set(holds(letGo))
		stop := m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		m.net.cut()
		close(letGo)
		Eventually(m.spooled).Should(HaveLen(1))
		m.kill(stop)
		d.set(nil)
		m.start()
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
		d.expectReport(ctx, run)
	})

	It("is not tried during a run, nor is the API server asked for it", func(ctx SpecContext) {
		m, d := newMachine(), newDoorway()
		m.sink = d
		d.set(errAway)
		m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))

		letGo := make(chan struct{})
		m.runner.set(holds(letGo))
		next := m.nodeRun(ctx)
		Eventually(state(ctx, next)).Should(Equal("started"))
		d.set(nil)
		tries, requests := d.tried(), m.net.seen("")
		Consistently(d.tried).Should(Equal(tries))
		Expect(m.net.seen("")).To(Equal(requests), "requests during the hold")
		close(letGo)
		Eventually(referred(ctx, run)).ShouldNot(BeNil())
		Eventually(referred(ctx, next)).ShouldNot(BeNil())
	})

	It("that the sink will never take is given up with a note", func(ctx SpecContext) {
		m, d := newMachine(), newDoorway()
		m.sink, m.sinkWait = d, anyWait
		d.set(errAway)
		m.start()
		run := m.nodeRun(ctx)
		_, err := d.open.Put(ctx, "default/w/"+run.Name+"-"+run.Spec.RunID+".json", []byte("not ours"))
		Expect(err).NotTo(HaveOccurred())
		d.set(nil)
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
		Expect(referred(ctx, run)()).To(BeNil())
		Expect(get(ctx, run).Status.Result.Notes).To(ContainElement(ContainSubstring("another content has its name")))
		Eventually(m.spooled).Should(BeEmpty())
	})

	It("of a NodeRun that is gone meanwhile is stored, and nobody waits", func(ctx SpecContext) {
		m, d := newMachine(), newDoorway()
		m.sink = d
		d.set(errAway)
		m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
		Expect(admin.Delete(ctx, run)).To(Succeed())
		d.set(nil)
		Eventually(m.spooled).Should(BeEmpty())
	})

	It("does not keep an agent from stopping, and waits for the next", func(ctx SpecContext) {
		m, d := newMachine(), newDoorway()
		m.sink, m.sinkWait = d, anyWait
		d.set(errAway)
		m.runner.set(holds(nil))
		stop := m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("started"))
		stop()
		Expect(state(ctx, run)()).To(Equal("Failed AgentRestart"))
		Expect(m.spooled()).To(HaveLen(1))
		d.set(nil)
		m.start()
		Eventually(referred(ctx, run)).ShouldNot(BeNil())
	})

	It("is dropped by an agent that has no sink any more", func(ctx SpecContext) {
		m, d := newMachine(), newDoorway()
		m.sink = d
		d.set(errAway)
		stop := m.start()
		run := m.nodeRun(ctx)
		Eventually(state(ctx, run)).Should(Equal("Complete Valid"))
		m.kill(stop)
		m.sink = nil
		m.start()
		Eventually(m.spooled).Should(BeEmpty())
		Expect(get(ctx, run).Status.Result.Notes).To(ContainElement(ContainSubstring("no report sink any more")))
	})
})
