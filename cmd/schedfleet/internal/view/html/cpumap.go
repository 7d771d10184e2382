// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"fmt"
	"math"
	"strings"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/figure"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// cpuMap is the map of CPUs by time, drawn, with what a script shows of it.
type cpuMap struct {
	Drawing *drawing
	Notes   []string
	Columns []string
	Rows    []mapRow
	Data    mapData
}

// mapRow is what groups used of the time of a CPU, in words.
type mapRow struct {
	CPU   string
	Cells []string
}

// mapData is the map for the script. The rows have a letter for each bucket: a for
// nobody, then the groups in their order.
type mapData struct {
	Left    num      `json:"left"`
	Width   num      `json:"width"`
	Hold    int64    `json:"hold"`
	Groups  []string `json:"groups"`
	Labels  []string `json:"labels"`
	Tops    []num    `json:"tops"`
	Heights num      `json:"height"`
	Rows    []string `json:"rows"`
}

const (
	mapWidth = 1120.0
	mapLeft  = 126.0
	mapRight = 12.0
	bandTop  = 4.0
	bandSize = 24.0
	lifeSize = 13.0
	// maxLives is of how many groups it is drawn when they were there.
	maxLives = 24
)

func newCPUMap(rep *report.Report) *cpuMap {
	o := newOccupancy(rep)
	if o == nil {
		return nil
	}
	d := &drawing{Label: "Which group was on which CPU when: the shares are in the table below", W: mapWidth}
	m := &cpuMap{Drawing: d, Data: mapData{Left: mapLeft, Width: mapWidth - mapLeft - mapRight, Hold: o.hold}}
	x := scale{high: float64(o.hold), from: mapLeft, to: mapWidth - mapRight}
	top := drawSteps(d, rep, x)
	top = drawLives(d, rep, x, top)
	bottom := m.drawCells(o, top)
	for i := range rep.Steps {
		s := &rep.Steps[i]
		d.line("boundary", x.at(float64(s.Start)), bandTop, x.at(float64(s.Start)), bottom)
		d.line("boundary", x.at(float64(s.End)), bandTop, x.at(float64(s.End)), bottom)
	}
	drawTime(d, x, bottom)
	d.H = num(bottom + 24)
	m.describe(rep, o)
	return m
}

// drawSteps draws the holds with their names, the transitions between them, and the ops.
func drawSteps(d *drawing, rep *report.Report, x scale) float64 {
	if len(rep.Steps) == 0 {
		return bandTop
	}
	d.text("label end", mapLeft-8, bandTop+16, "steps")
	for i := range rep.Steps {
		s := &rep.Steps[i]
		if width := x.at(float64(s.Start)) - x.at(float64(s.Begin)); width > 0 {
			d.rect("transition", x.at(float64(s.Begin)), bandTop, width, bandSize, fmt.Sprintf("%s: cgroups, groups and ops, %s", s.Name, duration(s.Start-s.Begin)))
		}
		left, width := x.at(float64(s.Start)), x.at(float64(s.End))-x.at(float64(s.Start))
		title := fmt.Sprintf("%s: held for %s", s.Name, duration(s.End-s.Start))
		if s.Truncated != "" {
			title += ", cut short: " + s.Truncated
		}
		d.rect("hold", left, bandTop, max(width, 1), bandSize, title)
		if letters := int(width/6.6) - 1; letters > 2 {
			d.text("step mid", left+width/2, bandTop+16, cut(s.Name, letters))
		}
		for n := range s.Ops {
			op := &s.Ops[n]
			px := x.at(float64(op.At))
			d.path("op", "M"+at(px-4, bandTop+bandSize+8)+"h8l-4 -7Z", fmt.Sprintf("%s %s: %s", op.Name, op.Target, op.Detail))
		}
	}
	return bandTop + bandSize + 14
}

// drawLives draws from when to when each group had workers.
func drawLives(d *drawing, rep *report.Report, x scale, top float64) float64 {
	if len(rep.Groups) > maxLives {
		return top
	}
	type life struct{ from, to int64 }
	lives := map[string]map[int]*life{}
	for i := range rep.Workers {
		w := &rep.Workers[i]
		if w.Began == nil || w.Ended == nil {
			continue
		}
		if lives[w.Group] == nil {
			lives[w.Group] = map[int]*life{}
		}
		l := lives[w.Group][w.Start]
		if l == nil {
			l = &life{*w.Began, *w.Ended}
			lives[w.Group][w.Start] = l
		}
		l.from, l.to = min(l.from, *w.Began), max(l.to, *w.Ended)
	}
	for i := range rep.Groups {
		g := &rep.Groups[i]
		y := top + float64(i)*lifeSize
		d.text("label end", mapLeft-8, y+9, cut(g.Name, 15))
		for _, l := range lives[g.Name] {
			from := x.at(float64(l.from))
			d.rect("life "+colorOf(i), from, y+1.5, max(x.at(float64(l.to))-from, 1), lifeSize-4.5,
				fmt.Sprintf("%s: from %s to %s", g.Name, duration(l.from), duration(l.to)))
		}
		drawFrozen(d, rep, g.Name, x, y)
	}
	return top + float64(len(rep.Groups))*lifeSize + 10
}

func drawFrozen(d *drawing, rep *report.Report, group string, x scale, y float64) {
	for i := range rep.Steps {
		s := &rep.Steps[i]
		for _, name := range s.Frozen {
			if name == group {
				from := x.at(float64(s.Start))
				d.rect("vague", from, y+1.5, max(x.at(float64(s.End))-from, 1), lifeSize-4.5, fmt.Sprintf("%s: frozen for some of %s", group, s.Name))
			}
		}
	}
}

// rowHeight makes the map of a machine of any size readable, or at least whole.
func rowHeight(rows int) float64 {
	switch {
	case rows <= 16:
		return 17
	case rows <= 48:
		return 12
	case rows <= 128:
		return 7
	default:
		return 4
	}
}

// drawCells draws the rows. The cells of a group with one level are one path, which
// keeps the page small; its coordinates are buckets.
func (m *cpuMap) drawCells(o *occupancy, top float64) float64 {
	d, height := m.Drawing, rowHeight(len(o.rows))
	every := max(int(math.Ceil(11/height)), 1)
	paths := map[cell]*strings.Builder{}
	var vague strings.Builder
	y, since := top, 0
	for n := range o.rows {
		row := &o.rows[n]
		switch {
		case n > 0 && row.node != "":
			y += 8
		case n > 0 && row.llc != "":
			y += 4
		}
		if row.node != "" || row.llc != "" {
			since = 0
		}
		m.labelRow(row, y, height, since%every == 0)
		since++
		d.rect("row", mapLeft, y, mapWidth-mapLeft-mapRight, height-1, "")
		m.Data.Tops = append(m.Data.Tops, num(y))
		runs(o.cells[n], func(from, to int, c cell) {
			rect := fmt.Sprintf("M%d %vh%dv%vh-%dz", from, num(y), to-from, num(height-1), to-from)
			if c.vague {
				vague.WriteString(rect)
			}
			c.vague = false
			if paths[c] == nil {
				paths[c] = &strings.Builder{}
			}
			paths[c].WriteString(rect)
		})
		y += height
	}
	m.Data.Heights = num(height)
	transform := fmt.Sprintf("translate(%v 0) scale(%.5f 1)", mapLeft, float64(m.Data.Width)/float64(o.buckets))
	for group := range o.shares[0] {
		for level := 1; level <= levels; level++ {
			if b := paths[cell{group: group, level: level}]; b != nil {
				d.Shapes = append(d.Shapes, shape{Class: fmt.Sprintf("cell level%d %s", level, colorOf(group)), Path: b.String(), Transform: transform})
			}
		}
	}
	if vague.Len() > 0 {
		d.Shapes = append(d.Shapes, shape{Class: "vague", Path: vague.String(), Transform: transform})
	}
	return y
}

// runs calls f for each run of cells that are alike and not empty.
func runs(cells []cell, f func(from, to int, c cell)) {
	for from := 0; from < len(cells); {
		to := from + 1
		for to < len(cells) && cells[to] == cells[from] {
			to++
		}
		if cells[from].group >= 0 {
			f(from, to, cells[from])
		}
		from = to
	}
}

func (m *cpuMap) labelRow(row *cpuRow, y, height float64, named bool) {
	if row.node != "" {
		m.Drawing.text("place", 2, y+10, row.node)
	}
	if row.llc != "" {
		m.Drawing.text("place", 46, y+10, row.llc)
	}
	if named {
		m.Drawing.text("label end", mapLeft-8, y+height/2+3.5, row.label())
	}
	m.Data.Labels = append(m.Data.Labels, row.label())
}

func drawTime(d *drawing, x scale, bottom float64) {
	d.line("axis", mapLeft, bottom+2, mapWidth-mapRight, bottom+2)
	seconds := scale{high: x.high / 1e9, from: x.from, to: x.to}
	for _, v := range seconds.ticks() {
		d.line("axis", seconds.at(v), bottom+2, seconds.at(v), bottom+6)
		d.text("label mid", seconds.at(v), bottom+19, duration(int64(math.Round(v*1e9))))
	}
}

// describe fills in what is said beside the picture.
func (m *cpuMap) describe(rep *report.Report, o *occupancy) {
	for i := range rep.Groups {
		m.Columns = append(m.Columns, rep.Groups[i].Name)
		m.Data.Groups = append(m.Data.Groups, rep.Groups[i].Name)
	}
	for n := range o.rows {
		row := mapRow{CPU: o.rows[n].label()}
		for _, share := range o.shares[n] {
			text := figure.Absent
			if share > 0 {
				text = fmt.Sprintf("%.1f %%", 100*share)
			}
			row.Cells = append(row.Cells, text)
		}
		m.Rows = append(m.Rows, row)
		letters := make([]rune, o.buckets)
		for b, c := range o.cells[n] {
			letters[b] = 'a' + rune(c.group+1)
		}
		m.Data.Rows = append(m.Data.Rows, string(letters))
	}
	if o.cut > 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("The logs of %d of %d workers end before their migrations do, the first %s after the start: "+
			"from there on they are spread over all CPUs that they used in a step, which is hatched.", o.cut, len(rep.Workers), duration(o.cutAt)))
	}
	if o.unknown > 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("Where %d of %d workers were is not known: programs do not tell.", o.unknown, len(rep.Workers)))
	}
}
