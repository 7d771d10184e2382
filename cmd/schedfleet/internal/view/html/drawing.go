// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/figure"
)

// drawing is a picture: shapes on a canvas, the later above the earlier.
type drawing struct {
	// Label says what it shows to those who do not see it.
	Label  string
	W, H   num
	Shapes []shape
}

// shape is a path, a rectangle or a text, by which of its members is set.
type shape struct {
	Class      string
	Path       string
	Transform  string
	X, Y, W, H num
	Text       string
	// Title is shown when one points at it.
	Title string
}

// num is a coordinate; it is written with one decimal at most.
type num float64

// String writes it.
func (n num) String() string {
	return strconv.FormatFloat(math.Round(float64(n)*10)/10, 'f', -1, 64)
}

func (d *drawing) rect(class string, x, y, w, h float64, title string) {
	d.Shapes = append(d.Shapes, shape{Class: class, X: num(x), Y: num(y), W: num(w), H: num(h), Title: title})
}

func (d *drawing) text(class string, x, y float64, text string) {
	if text != "" {
		d.Shapes = append(d.Shapes, shape{Class: class, X: num(x), Y: num(y), Text: text})
	}
}

func (d *drawing) path(class, path, title string) {
	if path != "" {
		d.Shapes = append(d.Shapes, shape{Class: class, Path: path, Title: title})
	}
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	d.path(class, "M"+at(x1, y1)+"L"+at(x2, y2), "")
}

func at(x, y float64) string { return num(x).String() + " " + num(y).String() }

// polyline is a path through points; a point that is not a number interrupts it.
func polyline(points [][2]float64) string {
	var b strings.Builder
	pen := "M"
	for _, p := range points {
		if math.IsNaN(p[1]) {
			pen = "M"
			continue
		}
		b.WriteString(pen + at(p[0], p[1]))
		pen = "L"
	}
	return b.String()
}

// markers are as many as there are forms, so that groups differ by more than colour.
const markers = 4

// marker is a small form around a point.
func marker(form int, x, y float64) string {
	const r = 3.6
	switch form % markers {
	case 0:
		return fmt.Sprintf("M%sa%v %v 0 1 0 %v 0a%v %v 0 1 0 %v 0Z", at(x-r, y), r, r, 2*r, r, r, -2*r)
	case 1:
		return "M" + at(x-r, y-r) + "H" + num(x+r).String() + "V" + num(y+r).String() + "H" + num(x-r).String() + "Z"
	case 2:
		return "M" + at(x, y-r-1) + "L" + at(x+r+1, y+r) + "H" + num(x-r-1).String() + "Z"
	default:
		return "M" + at(x, y-r-1.4) + "L" + at(x+r+1.4, y) + "L" + at(x, y+r+1.4) + "L" + at(x-r-1.4, y) + "Z"
	}
}

// scale puts values on an axis from one coordinate to another, by their logarithm or as
// they are.
type scale struct {
	low, high, from, to float64
	log                 bool
}

func (s scale) at(v float64) float64 {
	low, high := s.low, s.high
	if s.log {
		v, low, high = math.Log10(v), math.Log10(low), math.Log10(high)
	}
	if high == low {
		return s.from
	}
	return s.from + (s.to-s.from)*min(max((v-low)/(high-low), 0), 1)
}

// maxTicks is the most ticks of an axis.
const maxTicks = 7

// ticks are round values on the axis.
func (s scale) ticks() []float64 {
	if s.log {
		return s.decades()
	}
	span := s.high - s.low
	if span <= 0 {
		return []float64{s.low}
	}
	step := math.Pow(10, math.Floor(math.Log10(span/4)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if span/(step*factor) <= maxTicks-1 {
			step *= factor
			break
		}
	}
	var list []float64
	for n := math.Ceil(s.low/step - 1e-9); n*step <= s.high*(1+1e-9); n++ {
		list = append(list, n*step+0) // not the negative zero
	}
	return list
}

func (s scale) decades() []float64 {
	for _, steps := range [][]float64{{1, 2, 5}, {1, 3}, {1}} {
		if list := s.within(steps, 1); len(list) <= maxTicks {
			return list
		}
	}
	every := int(math.Ceil((math.Log10(s.high) - math.Log10(s.low)) / (maxTicks - 1)))
	return s.within([]float64{1}, every)
}

func (s scale) within(steps []float64, every int) []float64 {
	var list []float64
	for n := int(math.Floor(math.Log10(s.low))); float64(n) <= math.Log10(s.high); n += every {
		for _, step := range steps {
			if v := step * math.Pow10(n); v >= s.low*(1-1e-9) && v <= s.high*(1+1e-9) {
				list = append(list, v)
			}
		}
	}
	return list
}

// duration writes nanoseconds as a page does.
func duration(ns int64) string { return strings.Replace(figure.Nanos(ns), "us", "µs", 1) }

// tickOf writes the value of a tick in a unit.
func tickOf(v float64, unit string) string {
	switch unit {
	case unitNanos:
		return duration(int64(math.Round(v)))
	case unitPercent:
		return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64) + " %"
	default:
		return figure.Short(v)
	}
}

// Units of axes.
const (
	unitNanos   = "ns"
	unitPercent = "%"
)
