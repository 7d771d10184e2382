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

// Bytes is an amount of memory that reads and writes the canonical form of a
// Kubernetes quantity, such as 32Ki or 4096. Fractions of a byte are refused.
type Bytes int64

// units are the suffixes, from none on.
var units = []struct {
	suffix string
	size   int64
}{
	{"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1 << 40}, {"Pi", 1 << 50}, {"Ei", 1 << 60},
	{"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"P", 1e15}, {"E", 1e18}, {"", 1},
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *Bytes) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("an amount of memory must be text such as 32Ki, not %s", data)
	}
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/u.size {
			break
		}
		*b = Bytes(n * u.size)
		return nil
	}
	return fmt.Errorf("%q is not an amount of memory such as 32Ki or 4096", text)
}

// MarshalJSON implements json.Marshaler.
func (b Bytes) MarshalJSON() ([]byte, error) { return json.Marshal(b.String()) }

func (b Bytes) String() string {
	for i := 5; i >= 0 && b != 0; i-- {
		if int64(b)%units[i].size == 0 {
			return strconv.FormatInt(int64(b)/units[i].size, 10) + units[i].suffix
		}
	}
	return strconv.FormatInt(int64(b), 10)
}
