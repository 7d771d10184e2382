// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/utils/cpuset"
)

// threads is a run of groups g0, g1 and so on, all of them threads.
func threads(groups ...Group) *Run {
	return valid(func(r *Run) {
		like := r.Groups[0]
		r.Groups, r.Cgroups = nil, []Cgroup{{Name: "c"}, {Name: "d"}}
		for i, g := range groups {
			g.Name, g.Workers, g.Work, g.CloneMode = fmt.Sprintf("g%d", i), like.Workers, like.Work, CloneModeThread
			r.Groups = append(r.Groups, g)
		}
	})
}

func TestValidateProcesses(t *testing.T) {
	fork := func(change func(*Group)) *Run { return valid(func(r *Run) { change(&r.Groups[0]) }) }
	for name, tc := range map[string]struct {
		run  *Run
		want string // "" is valid
	}{
		"threads":                           {threads(Group{}), ""},
		"a clone mode that is none":         {fork(func(g *Group) { g.CloneMode = "Vfork" }), `groups[0].cloneMode: must be Fork or Thread, not "Vfork"`},
		"no clone mode":                     {fork(func(g *Group) { g.CloneMode = "" }), `groups[0].cloneMode: must be Fork or Thread, not ""`},
		"a process name of forked workers":  {fork(func(g *Group) { g.ProcessName = "p" }), "groups[0].processName: needs cloneMode Thread, not Fork"},
		"a process name of 15 bytes":        {threads(Group{ProcessName: strings.Repeat("p", 15)}), ""},
		"a process name of 16 bytes":        {threads(Group{ProcessName: strings.Repeat("p", 16)}), "groups[0].processName: at most 15 bytes"},
		"a process name of 8 long letters":  {threads(Group{ProcessName: strings.Repeat("ü", 8)}), "groups[0].processName: at most 15 bytes"},
		"a process name with a slash":       {threads(Group{ProcessName: "a/b"}), "groups[0].processName: at most 15 bytes without '/'"},
		"a process name with a zero byte":   {threads(Group{ProcessName: "a\x00"}), "groups[0].processName: at most 15 bytes without '/' or a zero byte"},
		"the superuser":                     {fork(func(g *Group) { g.UID, g.GID = new(int64(0)), new(int64(0)) }), ""},
		"the highest user and group":        {fork(func(g *Group) { g.UID, g.GID = new(int64(4294967294)), new(int64(4294967294)) }), ""},
		"the user that is none":             {fork(func(g *Group) { g.UID = new(int64(4294967295)) }), "groups[0].uid: must be 0 to 4294967294, not 4294967295"},
		"the group that is none":            {fork(func(g *Group) { g.GID = new(int64(4294967295)) }), "groups[0].gid: must be 0 to 4294967294, not 4294967295"},
		"a user below zero":                 {fork(func(g *Group) { g.UID = new(int64(-1)) }), "groups[0].uid: must be 0 to"},
		"a group below zero":                {fork(func(g *Group) { g.GID = new(int64(-1)) }), "groups[0].gid: must be 0 to"},
		"one process, one user":             {threads(Group{ProcessName: "p", UID: new(int64(7))}, Group{ProcessName: "p", UID: new(int64(7))}), ""},
		"one process, two users":            {threads(Group{ProcessName: "p", UID: new(int64(7))}, Group{ProcessName: "p", UID: new(int64(8))}), `groups[1].uid: "g0" and "g1" are threads of one process "p", so it must be the same in both, not 7 and 8`},
		"one process, two groups":           {threads(Group{ProcessName: "p", GID: new(int64(7))}, Group{ProcessName: "p", GID: new(int64(8))}), `groups[1].gid: "g0" and "g1" are threads of one process "p"`},
		"one process, user zero and unset":  {threads(Group{ProcessName: "p", UID: new(int64(0))}, Group{ProcessName: "p"}), "not 0 and unset"},
		"the third of a process differs":    {threads(Group{ProcessName: "p"}, Group{ProcessName: "p"}, Group{ProcessName: "p", UID: new(int64(8))}), `groups[2].uid: "g0" and "g2"`},
		"one name in two cgroups":           {threads(Group{ProcessName: "p", Cgroup: "c", UID: new(int64(7))}, Group{ProcessName: "p", Cgroup: "d", UID: new(int64(8))}), ""},
		"one name, one of them in a cgroup": {threads(Group{ProcessName: "p", UID: new(int64(7))}, Group{ProcessName: "p", Cgroup: "d", UID: new(int64(8))}), ""},
		"two names in one cgroup":           {threads(Group{ProcessName: "p", Cgroup: "c", UID: new(int64(7))}, Group{ProcessName: "q", Cgroup: "c", UID: new(int64(8))}), ""},
		"processes of their own":            {threads(Group{UID: new(int64(7))}, Group{UID: new(int64(8))}), ""},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tc.run.Validate(), tc.want) })
	}
}

func TestResolveCarriesTheProcess(t *testing.T) {
	got, err := threads(Group{ProcessName: "p", UID: new(int64(7))}, Group{Comm: "own", GID: new(int64(8))}).Resolve(Machine{CPUs: cpuset.New(0)})
	if err != nil {
		t.Fatal(err)
	}
	want := []ResolvedGroup{
		{Name: "g0", Comm: "g0", Workers: 4, CloneMode: CloneModeThread, ProcessName: "p", UID: new(int64(7)), Pool: cpuset.New(0)},
		{Name: "g1", Comm: "own", Workers: 4, CloneMode: CloneModeThread, GID: new(int64(8)), Pool: cpuset.New(0)},
	}
	if diff := cmp.Diff(want, got.Groups, cmpopts.IgnoreFields(ResolvedGroup{}, "Kind"), sameSets); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
