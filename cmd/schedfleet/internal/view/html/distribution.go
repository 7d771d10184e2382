// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"fmt"
	"math"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/figure"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
)

// distribution is a population of a group, drawn.
type distribution struct {
	Group          string
	Color          string
	Metric, Sample string
	Count          string
	Marks          []mark
	Drawing        *drawing // nil where nothing was recorded
}

// mark is a value of a population with its name.
type mark struct{ Name, Value string }

// percentiles are those that pages tell, those between the extremes.
var percentiles = []struct {
	name string
	q    float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}

const (
	distributionWidth = 540.0
	plotLeft          = 62.0
	plotRight         = 14.0
	barsTop           = 12.0
	barsHeight        = 84.0
	curveTop          = barsTop + barsHeight + 14
	curveHeight       = 128.0
	// barCount is into how many parts of equal width the axis is cut.
	barCount = 76
	// maxStrips is the most steps that a distribution is drawn of.
	maxStrips   = 12
	stripHeight = 15.0
)

func newDistribution(rep *report.Report, g *report.Group, color string, d *report.Distribution) distribution {
	h, unit := d.Histogram, d.Metric.Unit()
	out := distribution{Group: g.Name, Color: color, Metric: words(string(d.Metric)), Sample: words(string(d.Sample)), Count: figure.Count(h.Count())}
	if h.Count() == 0 {
		return out
	}
	out.Marks = append(out.Marks, mark{"min", tickOf(float64(h.Min()), unit)})
	for _, p := range percentiles {
		out.Marks = append(out.Marks, mark{p.name, tickOf(float64(h.Quantile(p.q)), unit)})
	}
	out.Marks = append(out.Marks, mark{"max", tickOf(float64(h.Max()), unit)})
	strips := stripsOf(rep, g, d)
	p := &plot{
		drawing: drawing{Label: fmt.Sprintf("%s of group %s: histogram and percentiles", out.Metric, g.Name), W: distributionWidth},
		x:       valueScale(h, strips), unit: unit, color: color,
	}
	bottom := curveTop + curveHeight
	if len(strips) > 0 {
		bottom += 14 + float64(len(strips))*stripHeight
	}
	p.axis(bottom)
	p.bars(h)
	p.curve(h)
	p.strips(strips, curveTop+curveHeight+10)
	p.H = num(bottom + 24)
	out.Drawing = &p.drawing
	return out
}

// valueScale is the axis of values, with some room beside the extremes.
func valueScale(h *telemetry.Histogram, strips []strip) scale {
	low, high := positive(h.Min()), positive(h.Max())
	for _, s := range strips {
		low, high = min(low, positive(s.values.Min())), max(high, positive(s.values.Max()))
	}
	return scale{low: low / 1.25, high: high * 1.25, from: plotLeft, to: distributionWidth - plotRight, log: true}
}

// positive is a value as a logarithm can be taken of it.
func positive(v uint64) float64 { return math.Max(float64(v), 1) }

type plot struct {
	drawing
	x     scale
	unit  string
	color string
}

// bars draws how many values there are in parts of the axis that are equally wide.
func (p *plot) bars(h *telemetry.Histogram) {
	var parts [barCount]float64
	width := (p.x.to - p.x.from) / barCount
	for b := range h.Bars() {
		from, to := (p.x.at(positive(b.Low))-p.x.from)/width, (p.x.at(positive(b.High+1))-p.x.from)/width
		spread(parts[:], from, to, float64(b.Count))
	}
	most := 0.0
	for _, n := range parts {
		most = max(most, n)
	}
	base := barsTop + barsHeight
	for i, n := range parts {
		if n > 0 {
			height := max(barsHeight*n/most, 1)
			share := 100 * n / float64(h.Count())
			low := math.Pow(10, math.Log10(p.x.low)+float64(i)/barCount*(math.Log10(p.x.high)-math.Log10(p.x.low)))
			p.rect("bar "+p.color, p.x.from+float64(i)*width, base-height, width-0.8, height, fmt.Sprintf("about %s: %.3g %% of the values", tickOf(low, p.unit), share))
		}
	}
	p.line("axis", p.x.from, base, p.x.to, base)
	p.text("label end", p.x.from-6, barsTop+10, "how")
	p.text("label end", p.x.from-6, barsTop+23, "many")
}

// spread adds an amount to the parts between two positions, in proportion.
func spread(parts []float64, from, to, amount float64) {
	if to-from < 1e-9 {
		to = from + 1e-9
	}
	for i := max(int(from), 0); i < len(parts) && float64(i) < to; i++ {
		parts[i] += amount * (min(to, float64(i+1)) - max(from, float64(i))) / (to - from)
	}
}

// nines puts a share on an axis on which each further nine takes the same room.
func nines(share float64) float64 { return -math.Log10(1 - share) }

// curve draws which share of the values is at most so large.
func (p *plot) curve(h *telemetry.Histogram) {
	top := min(max(math.Log10(float64(h.Count())), 1), 6)
	y := scale{low: 0, high: top, from: curveTop + curveHeight, to: curveTop}
	for _, tick := range []struct {
		share float64
		name  string
	}{{0, "0"}, {0.5, "50"}, {0.9, "90"}, {0.99, "99"}, {0.999, "99.9"}, {0.9999, "99.99"}, {0.99999, "99.999"}, {0.999999, "99.9999"}} {
		if v := nines(tick.share); v <= top+1e-9 {
			p.line("ruler", p.x.from, y.at(v), p.x.to, y.at(v))
			if tick.share > 0 { // 0 is too near to 50 for two labels
				p.text("label end", p.x.from-6, y.at(v)+3.5, tick.name+" %")
			}
		}
	}
	points := [][2]float64{{p.x.at(positive(h.Min())), y.at(0)}}
	var seen uint64
	lastX, lastY := math.Inf(-1), math.Inf(-1)
	for b := range h.Bars() {
		seen += b.Count
		v := top
		if seen < h.Count() {
			v = min(nines(float64(seen)/float64(h.Count())), top)
		}
		px, py := p.x.at(positive(b.High)), y.at(v)
		if math.Abs(px-lastX) > 0.7 || math.Abs(py-lastY) > 0.7 || seen == h.Count() {
			points = append(points, [2]float64{px, py})
			lastX, lastY = px, py
		}
	}
	p.path("curve "+p.color, polyline(points), "")
	for _, mark := range percentiles {
		if v := nines(mark.q); v <= top+1e-9 {
			value := h.Quantile(mark.q)
			px, py := p.x.at(positive(value)), y.at(v)
			p.path("dot "+p.color, marker(0, px, py), fmt.Sprintf("%s: %s", mark.name, tickOf(float64(value), p.unit)))
			p.callout(px, py, mark.name+" "+tickOf(float64(value), p.unit))
		}
	}
	p.path("dot "+p.color, marker(0, p.x.at(positive(h.Min())), y.at(0)), "min: "+tickOf(float64(h.Min()), p.unit))
	p.path("dot "+p.color, marker(0, p.x.at(positive(h.Max())), y.at(top)), "max: "+tickOf(float64(h.Max()), p.unit))
}

// callout writes beside a point, on the side where there is room.
func (p *plot) callout(x, y float64, text string) {
	if x > p.x.to-110 {
		p.text("value end", x-9, y-5, text)
		return
	}
	p.text("value", x+9, y+11, text)
}

// strip is what a group recorded in one step.
type strip struct {
	name   string
	values *telemetry.Histogram
}

func stripsOf(rep *report.Report, g *report.Group, d *report.Distribution) []strip {
	var list []strip
	for i := range g.Phases {
		phase := &g.Phases[i]
		for n := range phase.Distributions {
			if of := &phase.Distributions[n]; of.Measure == d.Measure && of.Histogram.Count() > 0 {
				list = append(list, strip{stepName(rep, phase.Step), of.Histogram})
			}
		}
	}
	if len(list) > maxStrips {
		return nil
	}
	return list
}

// strips draws for each step its extremes as a line, and p50 to p99 as a bar.
func (p *plot) strips(list []strip, top float64) {
	for i, s := range list {
		y := top + (float64(i)+0.5)*stripHeight
		p.text("label end", p.x.from-6, y+3.5, cut(s.name, 9))
		h := s.values
		p50, p99 := p.x.at(positive(h.Quantile(0.5))), p.x.at(positive(h.Quantile(0.99)))
		p.line("whisker "+p.color, p.x.at(positive(h.Min())), y, p.x.at(positive(h.Max())), y)
		title := fmt.Sprintf("%s: p50 %s, p99 %s, max %s of %s values", s.name,
			tickOf(float64(h.Quantile(0.5)), p.unit), tickOf(float64(h.Quantile(0.99)), p.unit), tickOf(float64(h.Max()), p.unit), figure.Count(h.Count()))
		p.rect("bar "+p.color, p50, y-4, max(p99-p50, 2), 8, title)
	}
}

// axis writes the axis of values below everything, and its lines behind.
func (p *plot) axis(bottom float64) {
	p.line("axis", p.x.from, bottom, p.x.to, bottom)
	for _, v := range p.x.ticks() {
		p.line("ruler", p.x.at(v), barsTop, p.x.at(v), bottom)
		p.line("axis", p.x.at(v), bottom, p.x.at(v), bottom+4)
		p.text("label mid", p.x.at(v), bottom+17, tickOf(v, p.unit))
	}
}
