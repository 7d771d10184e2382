// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"fmt"
	"math"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/figure"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// series is one figure of all groups over the steps, drawn.
type series struct {
	Title, About string
	Drawing      *drawing
}

// stepFigure is a figure of a group in the hold of a step.
type stepFigure struct {
	title, about, unit string
	of                 func(p *report.Phase, hold float64) (float64, bool)
}

// stepFigures are those that are drawn. Times of holds are in seconds.
var stepFigures = []stepFigure{
	{"Iterations", "per second of the hold, all workers of a group", "", func(p *report.Phase, hold float64) (float64, bool) {
		return float64(p.Iterations) / hold, true
	}},
	{"CPU", "CPUs that a group used", "", func(p *report.Phase, hold float64) (float64, bool) { return float64(p.CPU) / 1e9 / hold, true }},
	{"99th percentile", "of the first distribution of a group", unitNanos, func(p *report.Phase, _ float64) (float64, bool) {
		if len(p.Distributions) == 0 || p.Distributions[0].Metric.Unit() != unitNanos || p.Distributions[0].Histogram.Count() == 0 {
			return 0, false
		}
		return float64(p.Distributions[0].Histogram.Quantile(0.99)), true
	}},
	{"Longest gap", "between two checkpoints of one worker", unitNanos, func(p *report.Phase, _ float64) (float64, bool) { return float64(p.MaxGap), p.MaxGap > 0 }},
	{"Migrations", "per second of the hold", "", func(p *report.Phase, hold float64) (float64, bool) { return float64(p.Migrations) / hold, true }},
	{"Waiting for a CPU", "share of the workers' time", unitPercent, func(p *report.Phase, _ float64) (float64, bool) {
		if p.RunDelay == nil || p.Wall == 0 {
			return 0, false
		}
		return 100 * float64(*p.RunDelay) / float64(p.Wall), true
	}},
}

const (
	seriesWidth  = 540.0
	seriesHeight = 190.0
	seriesTop    = 12.0
	seriesBottom = seriesHeight - 26
	// logRatio is from which ratio of its values on a figure is drawn by its logarithm.
	logRatio = 40
)

// values are those of a figure, by group and step; what is absent is not a number.
func (f *stepFigure) values(rep *report.Report) [][]float64 {
	all := make([][]float64, len(rep.Groups))
	for i := range rep.Groups {
		all[i] = make([]float64, len(rep.Steps))
		for n := range all[i] {
			all[i][n] = math.NaN()
		}
		for n := range rep.Groups[i].Phases {
			p := &rep.Groups[i].Phases[n]
			if p.Step < 0 || p.Step >= len(rep.Steps) || p.Wall == 0 {
				continue
			}
			if hold := float64(rep.Steps[p.Step].End-rep.Steps[p.Step].Start) / 1e9; hold > 0 {
				if v, known := f.of(p, hold); known {
					all[i][p.Step] = v
				}
			}
		}
	}
	return all
}

func newSeries(rep *report.Report) []series {
	var list []series
	for i := range stepFigures {
		if d := stepFigures[i].draw(rep); d != nil {
			list = append(list, series{stepFigures[i].title, stepFigures[i].about, d})
		}
	}
	return list
}

func (f *stepFigure) draw(rep *report.Report) *drawing {
	all := f.values(rep)
	y, known := f.axis(all)
	if !known {
		return nil
	}
	d := &drawing{Label: f.title + " by step: the values are in the table below", W: seriesWidth, H: seriesHeight}
	for _, v := range y.ticks() {
		d.line("ruler", plotLeft, y.at(v), seriesWidth-plotRight, y.at(v))
		d.text("label end", plotLeft-6, y.at(v)+3.5, tickOf(v, f.unit))
	}
	if y.log {
		d.text("hint end", seriesWidth-plotRight, seriesTop-2, "logarithmic")
	}
	width := (seriesWidth - plotLeft - plotRight) / float64(len(rep.Steps))
	x := func(step int) float64 { return plotLeft + (float64(step)+0.5)*width }
	labelSteps(d, rep, x, width)
	for i := range all {
		color, form := colorOf(i), i
		var points [][2]float64
		for n, v := range all[i] {
			if y.log && v <= 0 {
				v = y.low
			}
			points = append(points, [2]float64{x(n), yOf(y, v)})
		}
		d.path("curve "+color, polyline(points), "")
		for n, v := range all[i] {
			if !math.IsNaN(v) {
				d.path("dot "+color, marker(form, points[n][0], points[n][1]), fmt.Sprintf("%s, %s: %s", rep.Groups[i].Name, rep.Steps[n].Name, tickOf(v, f.unit)))
			}
		}
	}
	return d
}

func yOf(y scale, v float64) float64 {
	if math.IsNaN(v) {
		return v
	}
	return y.at(v)
}

// axis holds all values; there is none without a value.
func (f *stepFigure) axis(all [][]float64) (scale, bool) {
	low, high, zero, known := math.Inf(1), math.Inf(-1), false, false
	for _, group := range all {
		for _, v := range group {
			switch {
			case math.IsNaN(v):
			case v <= 0:
				zero, known = true, true
			default:
				known = true
				low, high = min(low, v), max(high, v)
			}
		}
	}
	s := scale{from: seriesBottom, to: seriesTop}
	switch {
	case math.IsInf(high, -1): // nothing, or nothing but zeros
		s.high = 1
	case high/low >= logRatio:
		s.low, s.high, s.log = low/1.5, high*1.5, true
		if zero {
			s.low = low / 3
		}
	default:
		s.high = high * 1.08
	}
	return s, known
}

// labelSteps writes the names of steps where there is room, else the numbers of some.
func labelSteps(d *drawing, rep *report.Report, x func(int) float64, width float64) {
	const letter, number = 6.4, 26.0
	every := max(int(math.Ceil(number/width)), 1)
	longest := 0
	for i := range rep.Steps {
		longest = max(longest, len(rep.Steps[i].Name))
	}
	for i := range rep.Steps {
		switch {
		case width > letter*float64(min(longest, 14)):
			d.text("label mid", x(i), seriesHeight-8, cut(rep.Steps[i].Name, max(int(width/letter), 1)))
		case i%every == 0:
			d.text("label mid", x(i), seriesHeight-8, fmt.Sprint(i+1))
		}
	}
}

// stepRow is the figures of a group in a step, for the table.
type stepRow struct {
	Step, Group, Color string
	Cells              []string
}

// stepTable has the columns of stepRows.
func stepColumns() []string {
	var list []string
	for i := range stepFigures {
		list = append(list, stepFigures[i].title)
	}
	return list
}

func stepRows(rep *report.Report) []stepRow {
	var all [][][]float64
	for i := range stepFigures {
		all = append(all, stepFigures[i].values(rep))
	}
	var rows []stepRow
	for n := range rep.Steps {
		for g := range rep.Groups {
			row := stepRow{Step: rep.Steps[n].Name, Group: rep.Groups[g].Name, Color: colorOf(g)}
			there := false
			for i := range stepFigures {
				v := all[i][g][n]
				if math.IsNaN(v) {
					row.Cells = append(row.Cells, figure.Absent)
					continue
				}
				there = true
				row.Cells = append(row.Cells, tickOf(v, stepFigures[i].unit))
			}
			if there {
				rows = append(rows, row)
			}
		}
	}
	return rows
}
