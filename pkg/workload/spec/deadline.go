// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// rootDomain is CPUs that the kernel reckons with as a whole when it admits
// deadline tasks.
type rootDomain struct {
	cpus cpus
	// asked is the CPUs that deadline tasks are to get, the sum of runtime/period.
	asked big.Rat
	// fields are the groups that ask.
	fields []string
}

// admitDeadlines checks what the kernel checks of deadline tasks: that each may
// use all CPUs of its root domain (EPERM), and that all together ask for no more
// than the real-time share of them (EBUSY). Where that share is without a limit
// the kernel checks neither.
func (p *placement) admitDeadlines() error {
	if b := p.machine.Realtime; b != nil && b.Runtime < 0 {
		return nil
	}
	domains := map[int]*rootDomain{}
	var order []*rootDomain
	for i := range p.run.Groups {
		if !p.now.groups[i].runs {
			continue
		}
		asked, field := p.deadlinesOf(i)
		if field == "" {
			continue
		}
		key := p.rootDomainOf(i)
		domain := domains[key]
		if domain == nil {
			domain = &rootDomain{cpus: p.rootDomainCPUs(key)}
			domains[key], order = domain, append(order, domain)
		}
		if err := p.checkCovers(i, domain); err != nil {
			return err
		}
		domain.asked.Add(&domain.asked, asked)
		domain.fields = append(domain.fields, field)
	}
	for _, domain := range order {
		if err := p.checkRoom(domain); err != nil {
			return err
		}
	}
	return nil
}

// deadlinesOf is the CPUs that a group's deadline tasks are to get, and what makes them such:
// the group's policy, or its work, which gives it to some roles. It is empty where none are.
func (p *placement) deadlinesOf(group int) (asked *big.Rat, field string) {
	at := &p.groups[group]
	if policy := p.run.schedulingPolicy(p.now.groups[group].policy); policy != nil && policy.Deadline != nil {
		call := policy.Deadline.call()
		return shareOf(call.Runtime, call.Period, at.workers), fmt.Sprintf("groups[%d].schedulingPolicy", group)
	}
	asked = new(big.Rat)
	shape := at.kind.Shape()
	for _, role := range shape.Roles {
		if c := role.Class; c != nil && c.Policy == sys.PolicyDeadline {
			asked.Add(asked, shareOf(c.Runtime, c.Period, role.Workers*(at.workers/shape.SetSize)))
			field = fmt.Sprintf("groups[%d].work.%s", group, at.kind.Name())
		}
	}
	return asked, field
}

// shareOf is the CPUs that tasks with a runtime in every period get.
func shareOf(runtime, period uint64, tasks int) *big.Rat {
	share := big.NewRat(int64(runtime), int64(period))
	return share.Mul(share, big.NewRat(int64(tasks), 1))
}

// isolatedDomain stands for the root domain that all isolated CPUs share.
const isolatedDomain = -2

// rootDomainOf is the partition whose root domain a group is in, isolatedDomain,
// or none for the machine's own.
func (p *placement) rootDomainOf(group int) int {
	for at := p.run.cgroup(p.now.groups[group].cgroup); at != none; at = p.above[at] {
		switch c := &p.run.Cgroups[at]; {
		case !c.partition():
		case c.Cpuset.Partition == PartitionIsolated:
			return isolatedDomain
		default:
			return at
		}
	}
	return none
}

// rootDomainCPUs is the CPUs of a root domain. What a partition takes is not in
// any other. The kernel keeps isolated CPUs in one domain, be they of a
// partition or of the boot, with those that are offline.
func (p *placement) rootDomainCPUs(key int) cpus {
	t := p.machine.Topology
	switch key {
	case isolatedDomain:
		var set cpus
		if t != nil {
			set = cpusOf(t.Isolated).or(cpusOf(t.Offline))
		}
		for i := range p.sets {
			if c := &p.run.Cgroups[i]; c.partition() && c.Cpuset.Partition == PartitionIsolated {
				set = set.or(p.poolOf(i))
			}
		}
		return set
	case none:
		set := p.cpus
		if t != nil {
			set = cpusOf(t.Online()).minus(cpusOf(t.Isolated))
		}
		for i := range p.sets {
			if p.run.Cgroups[i].partition() {
				set = set.minus(p.sets[i])
			}
		}
		return set.minus(p.offline)
	default:
		return p.poolOf(key)
	}
}

// checkCovers checks that a group's workers may use all CPUs of their root domain.
func (p *placement) checkCovers(i int, domain *rootDomain) error {
	may, now := p.poolNow(i), &p.groups[i].now
	if p.run.Groups[i].NUMANode != nil {
		may = may.and(p.groups[i].pool)
	}
	if now.count > 0 {
		may = now.from
		if now.count < may.size() {
			return fmt.Errorf("has a root domain of CPUs %s, all of which a deadline task must be allowed to use; each worker of groups[%d] gets %d of them: leave out its affinity",
				domain.cpus, i, now.count)
		}
	} else if !now.cpus.empty() {
		may = may.and(now.cpus)
	}
	if domain.cpus.within(may) {
		return nil
	}
	return fmt.Errorf("has a root domain of CPUs %s, all of which a deadline task must be allowed to use; groups[%d] may use %s: leave out its affinity and numaNode, or give it a cgroup with cpuset.partition Root",
		domain.cpus, i, may)
}

// checkRoom checks that a root domain has the CPU time that is asked for.
func (p *placement) checkRoom(domain *rootDomain) error {
	b := p.machine.Realtime
	if b == nil || b.Period <= 0 {
		return nil
	}
	room := big.NewRat(b.Runtime.Nanoseconds(), b.Period.Nanoseconds())
	room.Mul(room, big.NewRat(int64(domain.cpus.size()), 1))
	if domain.asked.Cmp(room) <= 0 {
		return nil
	}
	return fmt.Errorf("has %s CPUs for deadline tasks on CPUs %s, less than the %s of %s",
		decimal(room), domain.cpus, decimal(&domain.asked), strings.Join(domain.fields, " and "))
}

// decimal writes a number with up to nine digits after the point.
func decimal(n *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(n.FloatString(9), "0"), ".")
}
