// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Histogram is a population of durations in nanoseconds. The zero value is empty.
type Histogram struct {
	counts   []uint64 // BinCount of them, or none
	count    uint64
	min, max uint64
}

// NewHistogram takes over counts read from a worker, with its exact extremes.
func NewHistogram(counts []uint64, minimum, maximum uint64) *Histogram {
	h := &Histogram{counts: counts, min: minimum, max: maximum}
	for _, n := range counts {
		h.count += n
	}
	return h
}

// Count is the number of values.
func (h *Histogram) Count() uint64 { return h.count }

// Min is the smallest value, 0 when there is none.
func (h *Histogram) Min() uint64 { return h.min }

// Max is the largest value, 0 when there is none.
func (h *Histogram) Max() uint64 { return h.max }

// Equal says whether two populations are the same, as far as they are known.
func (h *Histogram) Equal(other *Histogram) bool {
	if h == nil || other == nil {
		return h == other
	}
	same := h.count == other.count && h.min == other.min && h.max == other.max
	return same && (h.count == 0 || slices.Equal(h.counts, other.counts))
}

// Record adds n values.
func (h *Histogram) Record(value, n uint64) {
	if n == 0 {
		return
	}
	h.ensure()
	h.counts[Bin(value)] += n
	h.extremes(value, value)
	h.count += n
}

// Merge adds another population. It is associative and loses nothing.
func (h *Histogram) Merge(other *Histogram) {
	if other.count == 0 {
		return
	}
	h.ensure()
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.extremes(other.min, other.max)
	h.count += other.count
}

func (h *Histogram) ensure() {
	if h.counts == nil {
		h.counts = make([]uint64, BinCount)
	}
}

// extremes widens the range; Preconditions: h.count does not yet hold the new values.
func (h *Histogram) extremes(minimum, maximum uint64) {
	if h.count == 0 || minimum < h.min {
		h.min = minimum
	}
	if maximum > h.max {
		h.max = maximum
	}
}

// Quantile is the nearest-rank quantile: the value below or at which a share q of
// the population lies. It is the upper end of that value's bin, but never outside
// the exact extremes. 0 when there is no value.
func (h *Histogram) Quantile(q float64) uint64 {
	rank := uint64(math.Ceil(q * float64(h.count)))
	rank = max(rank, 1)
	var seen uint64
	for bin, n := range h.counts {
		seen += n
		if n > 0 && seen >= rank {
			return min(max(binHigh(bin), h.min), h.max)
		}
	}
	return h.max
}

// Encode is HdrHistogram's compressed V2 encoding in base64.
func (h *Histogram) Encode() (string, error) {
	ex := hdrhistogram.New(lowestBin, MaxValue, digits)
	for bin, n := range h.counts {
		if n == 0 {
			continue
		}
		if err := ex.RecordValues(int64(min(binLow(bin), MaxValue)), int64(n)); err != nil {
			return "", fmt.Errorf("encoding histogram bin %d: %w", bin, err)
		}
	}
	text, err := ex.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encoding histogram: %w", err)
	}
	return string(text), nil
}

// maxText bounds an encoded histogram: all bins filled take less.
const maxText = 1 << 16

// Decode reads what Encode wrote. The exact extremes are not part of the
// encoding and are given beside it.
func Decode(text string, minimum, maximum uint64) (*Histogram, error) {
	if err := checkHeader(text); err != nil {
		return nil, fmt.Errorf("decoding histogram: %w", err)
	}
	ex, err := hdrhistogram.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("decoding histogram: %w", err)
	}
	h := &Histogram{}
	for _, bar := range ex.Distribution() {
		if bar.Count > 0 {
			h.Record(uint64(max(bar.From, 0)), uint64(bar.Count))
		}
	}
	if h.count > 0 {
		if minimum > maximum || Bin(minimum) != Bin(h.min) || Bin(maximum) != Bin(h.max) {
			return nil, fmt.Errorf("decoding histogram: its values are not from %d to %d", minimum, maximum)
		}
		h.min, h.max = minimum, maximum
	}
	return h, nil
}

// checkHeader looks at the layout before anything is made of it: a text of some bytes can
// ask for a layout of a hundred megabytes.
func checkHeader(text string) error {
	if len(text) > maxText {
		return fmt.Errorf("it has %d bytes, at most %d are possible", len(text), maxText)
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	if len(data) < 8 {
		return errors.New("it is cut off")
	}
	compressed, err := zlib.NewReader(bytes.NewReader(data[8:]))
	if err != nil {
		return err
	}
	var header struct {
		Cookie, Length, Offset, Digits int32
		Lowest, Highest                int64
	}
	if err := binary.Read(compressed, binary.BigEndian, &header); err != nil {
		return fmt.Errorf("it has no header: %w", err)
	}
	if header.Digits != digits || header.Lowest != lowestBin {
		return fmt.Errorf("it has %d significant digits from %d on, not %d from %d", header.Digits, header.Lowest, digits, lowestBin)
	}
	return nil
}
