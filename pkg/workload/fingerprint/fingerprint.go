// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package fingerprint says which machine, set up how, a measurement was made on.
//
// Results compare if the digests of their machines are equal. The scheduler in
// charge is in no digest: it is what is varied. The kernel and its settings are in
// the software digest only, so that machines of one kind share a hardware digest
// whatever runs on them.
//
// A fact that cannot be read is not in the list, which is not the same as a fact
// that says 0 or nothing, and gives another digest. So does reading without the
// privilege to see everything: debugfs, for one, is for root.
package fingerprint

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

const (
	// MaxValue is the most bytes a value has. What is longer is cut and ends in its digest.
	MaxValue = 256
	// MaxFacts is the most facts there are in a fingerprint.
	MaxFacts = 64

	// digestScheme stands before what a digest is made of. It changes when a fact
	// keeps its name but gets another meaning.
	digestScheme = "schedfleet fingerprint 1\n"
	digestBytes  = 16
)

// Fact is one thing about a machine.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Fingerprint is what decides whether two measurements can be compared. The facts
// are in the order of their names, and no name is in two lists.
//
// A digest is the first half of the SHA-256, in hexadecimal digits, of the line
// "schedfleet fingerprint 1" and a line "length:name=length:value" for each fact,
// with lengths in bytes. That of hardware and software together has the hardware's
// facts before the software's.
type Fingerprint struct {
	Digest         string `json:"digest"`
	HardwareDigest string `json:"hardwareDigest"`
	SoftwareDigest string `json:"softwareDigest"`
	Hardware       []Fact `json:"hardware,omitempty"`
	Software       []Fact `json:"software,omitempty"`
	// Volatile facts are in no digest: they may differ without making results
	// incomparable, and help to explain them.
	Volatile []Fact `json:"volatile,omitempty"`
	// State is what else a machine can be set to while it runs; in no digest, and read by Look only.
	State []Fact `json:"state,omitempty"`
	// Unknown are the names of facts that the machine has and does not tell, such as for want of a privilege. Those
	// that are in no list it does not have.
	Unknown []string `json:"unknown,omitempty"`
}

// Read reads the fingerprint of the machine whose files are below root; "/" is
// this machine. m is its topology; without one, facts about that are missing.
func Read(root string, m *topology.Machine) *Fingerprint {
	return newReader(root, m).fingerprint()
}

// Look is Read with the machine's state, for comparing the machine with itself before and after a run.
func Look(root string, m *topology.Machine) *Fingerprint {
	r := newReader(root, m)
	f := r.fingerprint()
	f.State = f.add(r.facts(state))
	return f
}

func (r *reader) fingerprint() *Fingerprint {
	f := &Fingerprint{}
	f.Hardware, f.Software, f.Volatile = f.add(r.facts(hardware)), f.add(r.facts(software)), f.add(r.facts(volatile))
	f.HardwareDigest, f.SoftwareDigest = digest(f.Hardware), digest(f.Software)
	f.Digest = digest(f.Hardware, f.Software)
	return f
}

// add keeps the names of facts that are unknown and returns the others.
func (f *Fingerprint) add(facts []Fact, unknown []string) []Fact {
	f.Unknown = append(f.Unknown, unknown...)
	slices.Sort(f.Unknown)
	return facts
}

// Settings is a digest of the software facts that can change while the machine
// runs. It takes less than Read, and changes with the software digest, unless that
// changed for what only a boot changes.
func Settings(root string) string {
	r := newReader(root, nil)
	live, _ := r.facts(slices.DeleteFunc(slices.Clone(software), func(s source) bool { return !s.live }))
	return digest(live)
}

// Facts are all facts, in the order of their names.
func (f *Fingerprint) Facts() []Fact {
	return byName(slices.Concat(f.Hardware, f.Software, f.Volatile, f.State))
}

// What a change has for a fact that the machine does not have, and for one that it does not tell.
const (
	Absent  = "(absent)"
	Unknown = "(unknown)"
)

// Change is a fact that differs. Before and After are its values, Absent, or Unknown.
type Change struct {
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// String is the change in one line, such as "cpu.smt: on -> off".
func (c Change) String() string { return c.Name + ": " + c.Before + " -> " + c.After }

// Diff lists what changed from f to after, in the order of names. Volatile facts and
// the state are in it too.
func (f *Fingerprint) Diff(after *Fingerprint) []Change {
	was, is := f.values(), after.values()
	names := slices.Sorted(maps.Keys(was))
	for name := range is {
		if _, both := was[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var changes []Change
	for _, name := range names {
		c := Change{Name: name, Before: cmp.Or(was[name], Absent), After: cmp.Or(is[name], Absent)}
		if c.Before != c.After {
			changes = append(changes, c)
		}
	}
	return changes
}

// values are what is known, and what is not, by name.
func (f *Fingerprint) values() map[string]string {
	values := make(map[string]string)
	for _, fact := range f.Facts() {
		values[fact.Name] = fact.Value
	}
	for _, name := range f.Unknown {
		values[name] = Unknown
	}
	return values
}

func byName(facts []Fact) []Fact {
	slices.SortFunc(facts, func(a, b Fact) int { return cmp.Compare(a.Name, b.Name) })
	return facts
}

func digest(lists ...[]Fact) string {
	var text strings.Builder
	text.WriteString(digestScheme)
	for _, facts := range lists {
		for _, f := range facts {
			fmt.Fprintf(&text, "%d:%s=%d:%s\n", len(f.Name), f.Name, len(f.Value), f.Value)
		}
	}
	return digestOf(text.String())
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:digestBytes])
}

// bounded keeps a value within MaxValue, such that values that differ go on to differ.
func bounded(value string) string {
	if len(value) <= MaxValue {
		return value
	}
	end := " ... " + digestOf(value)
	return strings.ToValidUTF8(value[:MaxValue-len(end)], "") + end
}
