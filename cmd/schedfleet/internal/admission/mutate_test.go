// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// mutator makes manifests nobody would write out of those that somebody has.
type mutator struct {
	// seeds are whole manifests, values what stands under each key somewhere in them.
	seeds  []map[string]any
	values map[string][]any
}

func newMutator(seeds []map[string]any) *mutator {
	m := &mutator{seeds: seeds, values: map[string][]any{}}
	for _, s := range seeds {
		m.collect(s)
	}
	return m
}

func (m *mutator) collect(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			m.values[key] = append(m.values[key], v[key])
			m.collect(v[key])
		}
	case []any:
		for _, one := range v {
			m.collect(one)
		}
	}
}

// maxMutations is how often a manifest is changed.
const maxMutations = 4

// manifest is the one of a number: always the same.
func (m *mutator) manifest(seed, number uint64) map[string]any {
	r := rand.New(rand.NewPCG(seed, number)) //nolint:gosec // it is to be repeatable
	doc, _ := clone(m.seeds[r.IntN(len(m.seeds))]).(map[string]any)
	for range 1 + r.IntN(maxMutations)*r.IntN(2) { // most once: two wrong things hide each other
		if places := placesIn(doc); len(places) > 0 { // all may be dropped
			m.change(r, places[r.IntN(len(places))])
		}
	}
	return doc
}

// place is a value in a document, and how to put another there.
type place struct {
	key   string
	value any
	set   func(any)
	drop  func()
	// object is what it is a member of, list what it is an element of.
	object map[string]any
	list   []any
	grow   func([]any)
}

// placesIn are all values but the kind of the object: with another, nothing is looked at.
func placesIn(doc map[string]any) []place {
	var all []place
	var walk func(v any, grow func([]any))
	walk = func(v any, grow func([]any)) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if key == "apiVersion" || key == "kind" {
					continue
				}
				all = append(all, place{key: key, value: v[key], object: v, set: func(to any) { v[key] = to }, drop: func() { delete(v, key) }})
				walk(v[key], func(to []any) { v[key] = to })
			}
		case []any:
			for i := range v {
				all = append(all, place{
					value: v[i], list: v, grow: grow, set: func(to any) { v[i] = to },
					drop: func() { grow(slices.Delete(slices.Clone(v), i, i+1)) },
				})
				walk(v[i], func(to []any) { v[i] = to })
			}
		}
	}
	walk(doc, nil)
	return all
}

// change does one thing to a place.
func (m *mutator) change(r *rand.Rand, at place) {
	switch r.IntN(20) {
	case 0:
		at.drop()
	case 1, 2, 3, 4, 5, 6, 7, 8: // what could stand there
		if same := m.values[at.key]; len(same) > 0 {
			at.set(clone(same[r.IntN(len(same))]))
			return
		}
		at.set(odd(r, at.value))
	case 9, 10, 11, 12, 13: // nearly what stands there
		at.set(near(r, at.value))
	case 14: // what stands elsewhere
		keys := slices.Sorted(maps.Keys(m.values))
		key := keys[r.IntN(len(keys))]
		value := clone(m.values[key][r.IntN(len(m.values[key]))])
		if at.object != nil {
			at.object[key] = value
			return
		}
		at.set(value)
	case 15, 16: // once more, or very often
		if at.grow == nil {
			if at.object != nil {
				at.object[at.key+"x"] = clone(at.value)
			}
			return
		}
		out := slices.Clone(at.list)
		for range []int{1, 1, 2, 40, 300}[r.IntN(5)] {
			out = append(out, clone(at.value))
		}
		at.grow(out)
	case 17: // deeper than anything needs
		value := at.value
		for range 1 + r.IntN(100) {
			value = map[string]any{"x": value}
		}
		at.set(value)
	default:
		at.set(odd(r, at.value))
	}
}

// near is a value that may well be valid, too.
func near(r *rand.Rand, was any) any {
	switch was := was.(type) {
	case int64:
		return []int64{was + 1, was - 1, was * 2, was / 2, was * 1000, -was}[r.IntN(6)]
	case bool:
		return !was
	case string:
		if n := strings.TrimRight(was, "nuµmshKMGTi"); n != "" && n != was {
			return n + []string{"ns", "us", "ms", "s", "m", "h", "", "Ki", "Mi", "Gi"}[r.IntN(10)]
		}
		return []string{was + "1", was + ",1", "1" + was, was + "/" + was, strings.ToUpper(was)}[r.IntN(5)]
	}
	return odd(r, was)
}

// odd values, of the same type or of another.
func odd(r *rand.Rand, was any) any {
	numbers := []any{int64(0), int64(1), int64(-1), int64(2), int64(63), int64(64), int64(65), int64(1) << 31, int64(math.MinInt32), int64(1)<<53 + 1, int64(math.MaxInt64), int64(math.MinInt64), 0.5, math.Copysign(0, -1), 1e308, 1e-308}
	texts := []any{
		"", " ", "0", "-1", "a", "A/B", "../..", "/", "a/b/c/d/e/f/g/h", "g", "%s%n", "\x00", "\u202e", "ä", "null", "~", "1ns", "-1s", "1e3", "9223372036854775807ns", "2562047h47m16.854775807s",
		"0-", "0-3,2-5", "0-4294967295", "0-99999999999999999999", "1023", "-", ",", "3-1", "1Ki", "0.5", "8Ei", "1e30", "-4Gi", "1e-30", "100%", "{{.}}", "$(id)",
		strings.Repeat("x", 64), strings.Repeat("a/", 300), strings.Repeat("9", 400),
	}
	others := []any{nil, true, false, []any{}, map[string]any{}, []any{map[string]any{}}, []any{nil}, map[string]any{"": nil}}
	switch was.(type) {
	case int64, float64:
		if r.IntN(4) > 0 {
			return numbers[r.IntN(len(numbers))]
		}
	case string:
		if r.IntN(4) > 0 {
			return texts[r.IntN(len(texts))]
		}
	}
	all := slices.Concat(numbers, texts, others)
	return all[r.IntN(len(all))]
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = clone(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = clone(v[i])
		}
		return out
	}
	return v
}
