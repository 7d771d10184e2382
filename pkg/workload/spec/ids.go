// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// IDs are ranges of user or group ids, written such as 0,1000-1999. None: all.
type IDs []IDRange

// IDRange is the ids from First to Last.
type IDRange struct{ First, Last int64 }

// ParseIDs reads ranges.
func ParseIDs(text string) (IDs, error) {
	var ids IDs
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(part, "-")
		first, err := strconv.ParseInt(low, 10, 64)
		last := first
		if err == nil && isRange {
			last, err = strconv.ParseInt(high, 10, 64)
		}
		if err != nil || first < 0 || last < first || last > maxID {
			return nil, fmt.Errorf("%q is no list of ids from 0 to %d such as 0,1000-1999", text, int64(maxID))
		}
		ids = append(ids, IDRange{first, last})
	}
	return ids, nil
}

// Has says whether an id is in one of the ranges.
func (l IDs) Has(id int64) bool {
	for _, r := range l {
		if r.First <= id && id <= r.Last {
			return true
		}
	}
	return false
}

func (l IDs) String() string {
	parts := make([]string, len(l))
	for i, r := range l {
		if parts[i] = strconv.FormatInt(r.First, 10); r.Last != r.First {
			parts[i] += "-" + strconv.FormatInt(r.Last, 10)
		}
	}
	return strings.Join(parts, ",")
}

// MarshalJSON implements json.Marshaler.
func (l IDs) MarshalJSON() ([]byte, error) { return json.Marshal(l.String()) }

// UnmarshalJSON implements json.Unmarshaler. A list without an id would be none, and so allow all.
func (l *IDs) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("ids are text such as \"0,1000-1999\", not %s", data)
	}
	ids, err := ParseIDs(text)
	*l = ids
	return err
}
