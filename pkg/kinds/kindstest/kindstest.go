// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package kindstest has values at and beyond the bounds of every parameter of every
// kind of work, for tests of those who have to refuse them.
package kindstest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/schedfleet/schedfleet/pkg/kinds"
)

// Case is a kind of work with one parameter set to a value.
type Case struct {
	// Name is a sentence for a table.
	Name       string
	Kind, Path string
	// Parameters are those that are set.
	Parameters map[string]any
	// Says is a part of what the API server says of it; empty if the value is allowed.
	Says string
}

// base is what must be set of a kind for a parameter to mean something.
func base(kind, path string) map[string]any {
	switch {
	case strings.HasPrefix(path, "arrival."):
		return map[string]any{"arrival": map[string]any{"ratePerSecond": int64(1)}}
	case strings.HasPrefix(path, "phases[].aluHot."):
		return map[string]any{"phases": []any{map[string]any{"aluHot": map[string]any{"duration": "1ms"}}}}
	case kind == "exec":
		return map[string]any{
			"program": "p", "env": []any{map[string]any{"name": "A", "value": "b"}},
			"metrics": []any{map[string]any{"name": "m", "json": "a", "polarity": "Neither"}},
		}
	case path == "stride": // at most the size
		return map[string]any{"size": "16Gi"}
	case path == "slowPathP99": // above the sleep
		return map[string]any{"slowPathSleep": "1us"}
	default:
		return map[string]any{}
	}
}

// Cases are those of all kinds. A case of a value that would need more parameters to
// be allowed is left out.
func Cases() ([]Case, error) {
	catalog, err := kinds.Load()
	if err != nil {
		return nil, err
	}
	var all []Case
	for _, name := range catalog.Names() {
		kind, err := catalog.Describe(name)
		if err != nil {
			return nil, err
		}
		for i := range kind.Parameters {
			p := &kind.Parameters[i]
			for _, v := range valuesOf(p) {
				params := base(name, p.Path)
				set(params, strings.Split(p.Path, "."), v.value)
				all = append(all, Case{fmt.Sprintf("%s of %s is %v", p.Path, name, v.value), name, p.Path, params, v.says})
			}
		}
	}
	return all, nil
}

// value is one that is allowed if nothing is said of it.
type value struct {
	value any
	says  string
}

// valuesOf are values at the bounds of a parameter and next to them.
func valuesOf(p *kinds.Parameter) []value {
	var all []value
	if p.Minimum != nil {
		all = append(all, value{int64(*p.Minimum), ""}, value{int64(*p.Minimum) - 1, "should be greater than or equal to " + whole(*p.Minimum)})
	}
	if p.Maximum != nil {
		all = append(all, value{int64(*p.Maximum), ""}, value{int64(*p.Maximum) + 1, "should be less than or equal to " + whole(*p.Maximum)})
	}
	for _, one := range p.Enum {
		all = append(all, value{one, ""})
	}
	if len(p.Enum) > 0 {
		all = append(all, value{"Nonesuch", "supported values"})
	}
	for _, rule := range p.Rules {
		all = append(all, durations(rule)...)
		all = append(all, quantities(rule)...)
	}
	return all
}

func whole(n float64) string { return strconv.FormatInt(int64(n), 10) }

var duration = regexp.MustCompile(`duration\(self\) (>=?) duration\('(\w+)'\) && duration\(self\) <= duration\('(\w+)'\)`)

// durations are those at the bounds that a rule gives, and next to them.
func durations(rule string) []value {
	m := duration.FindStringSubmatch(rule)
	if m == nil {
		return nil
	}
	const says = "must be a duration"
	least, _ := time.ParseDuration(m[2]) // the API server has taken both
	most, _ := time.ParseDuration(m[3])
	if m[1] == ">" {
		least++
	}
	return []value{
		{least.String(), ""}, {(least - 1).String(), says}, {most.String(), ""}, {(most + 1).String(), says}, {"soon", says},
	}
}

var quantity = regexp.MustCompile(`compareTo\(quantity\('(\w+)'\)\) >= 0 && .*compareTo\(quantity\('(\w+)'\)\) <= 0`)

// quantities are those at the bounds that a rule gives, and next to them.
func quantities(rule string) []value {
	m := quantity.FindStringSubmatch(rule)
	if m == nil {
		return nil
	}
	says := fmt.Sprintf("must be %s to %s in whole ", m[1], m[2])
	least, most := resource.MustParse(m[1]), resource.MustParse(m[2])
	return []value{
		{m[1], ""}, {strconv.FormatInt(least.Value()-1, 10), says}, {m[2], ""}, {strconv.FormatInt(most.Value()+1, 10), says},
		{"8192500m", says}, {"1Ei", says},
	}
}

// set sets the member at a path. Lists have one element.
func set(in map[string]any, path []string, value any) {
	name, list := strings.CutSuffix(path[0], "[]")
	if len(path) == 1 {
		in[name] = value
		return
	}
	below := map[string]any{}
	switch there := in[name].(type) {
	case map[string]any:
		below = there
	case []any:
		below = there[0].(map[string]any)
	default:
		in[name] = below
		if list {
			in[name] = []any{below}
		}
	}
	set(below, path[1:], value)
}
