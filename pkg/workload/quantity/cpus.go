// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package quantity

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// CPUs is an amount of CPU time per time, in thousandths of a CPU. It reads and
// writes the canonical form of a Kubernetes quantity, such as 200m, 1 or 1500m.
type CPUs int64

// cpuUnits are the suffixes with their sizes in thousandths.
var cpuUnits = []struct {
	suffix string
	size   int64
}{{"m", 1}, {"k", 1e6}, {"M", 1e9}, {"G", 1e12}, {"T", 1e15}, {"P", 1e18}, {"", 1e3}}

// UnmarshalJSON implements json.Unmarshaler.
func (c *CPUs) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("a number of CPUs must be text such as 200m, not %s", data)
	}
	for _, u := range cpuUnits {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63) // no sign
		if err != nil || int64(n) > math.MaxInt64/u.size {
			break
		}
		*c = CPUs(int64(n) * u.size)
		return nil
	}
	return fmt.Errorf("%q is not a number of CPUs such as 200m, 1 or 1500m", text)
}

// MarshalJSON implements json.Marshaler.
func (c CPUs) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

func (c CPUs) String() string {
	best := cpuUnits[0]
	for _, u := range cpuUnits {
		if int64(c)%u.size == 0 && (u.size > best.size || c == 0) {
			best = u
		}
	}
	return strconv.FormatInt(int64(c)/best.size, 10) + best.suffix
}
