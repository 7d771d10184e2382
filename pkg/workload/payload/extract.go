// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxVain bounds the bytes that are read in vain where something only looks like the begin
// of a JSON document.
const maxVain = 4 * MaxOutput

// Value is a figure that was looked for.
type Value struct {
	Name     string   `json:"name"`
	Unit     string   `json:"unit,omitempty"`
	Polarity Polarity `json:"polarity"`
	// Value is nil where there is none; Missing is then why.
	Value   *float64 `json:"value,omitempty"`
	Missing string   `json:"missing,omitempty"`
}

// Extract looks for figures in what a program wrote. Preconditions: the metrics are valid.
func Extract(metrics []Metric, stdout, stderr *Output) []Value {
	sources := map[Stream]*source{Stdout: {name: Stdout, output: stdout}, Stderr: {name: Stderr, output: stderr}}
	var list []Value
	for i := range metrics {
		m := &metrics[i]
		v := Value{Name: m.Name, Unit: m.Unit, Polarity: m.Polarity}
		if n, err := sources[m.From].value(m); err != nil {
			v.Missing = err.Error()
		} else {
			v.Value = &n
		}
		list = append(list, v)
	}
	return list
}

// source is a stream to look in, read when something is looked for.
type source struct {
	name      Stream
	output    *Output
	documents []any // nil before anybody asked
	problem   error // why there are no documents
	read      bool
}

func (s *source) value(m *Metric) (float64, error) {
	if m.JSON != "" {
		return s.leaf(m.JSON)
	}
	return s.match(m.Pattern)
}

// match is the figure of a pattern's last match. Where a stream was too long to be
// kept, its last part goes before its first.
func (s *source) match(pattern string) (float64, error) {
	re, err := compile(pattern)
	if err != nil {
		return 0, err
	}
	first, last, lost := s.output.parts()
	parts := []string{last, first}
	if lost == 0 {
		parts = []string{first + last}
	}
	for _, text := range parts {
		if matches := re.FindAllStringSubmatchIndex(text, -1); len(matches) > 0 {
			at := matches[len(matches)-1]
			if at[2] < 0 {
				return 0, errors.New("the pattern matches without its group")
			}
			return number(text[at[2]:at[3]])
		}
	}
	return 0, fmt.Errorf("nothing in %s matches the pattern", strings.ToLower(string(s.name)))
}

// leaf is the figure at a path of the last document that has it.
func (s *source) leaf(text string) (float64, error) {
	path, err := ParsePath(text)
	if err != nil {
		return 0, err
	}
	if !s.read {
		s.read = true
		s.documents, s.problem = documents(s.output)
	}
	if s.problem != nil {
		return 0, fmt.Errorf("%s %w", strings.ToLower(string(s.name)), s.problem)
	}
	var absent error
	for _, document := range slices.Backward(s.documents) {
		n, err := path.find(document)
		if err == nil {
			return number(n.String())
		}
		if !errors.Is(err, errAbsent) {
			return 0, err
		}
		if absent == nil {
			absent = err
		}
	}
	return 0, absent
}

// documents are the objects and arrays that begin with a line of the output, whatever else
// is written between them.
func documents(o *Output) ([]any, error) {
	text, whole := o.Text()
	if !whole {
		return nil, fmt.Errorf("is longer than the %d bytes that are kept of it", MaxOutput)
	}
	var list []any
	var broken error
	for budget := int64(maxVain); text != "" && budget > 0; {
		if text[0] != '{' && text[0] != '[' {
			_, text, _ = strings.Cut(text, "\n")
			continue
		}
		document, length, err := decode(text)
		if err == nil {
			list, text = append(list, document), text[length:]
			continue
		}
		broken, budget = err, budget-length
		_, text, _ = strings.Cut(text, "\n")
	}
	switch {
	case len(list) > 0:
		return list, nil
	case broken != nil:
		return nil, fmt.Errorf("holds no whole JSON document: %w", broken)
	default:
		return nil, errors.New("holds no JSON document")
	}
}

// decode reads the document that a text begins with, and says how far it had to look.
func decode(text string) (document any, length int64, err error) {
	in := json.NewDecoder(strings.NewReader(text))
	in.UseNumber()
	err = in.Decode(&document)
	if err == nil {
		return document, in.InputOffset(), nil
	}
	length = int64(len(text))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		length = syntax.Offset
	}
	return nil, length, err
}

// number reads a decimal number that has a value.
func number(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) || strings.ContainsAny(text, "xX_") {
		return 0, fmt.Errorf("%q is not a decimal number", cut(text))
	}
	return n, nil
}

// cut keeps what a message shows of a text within bounds.
func cut(text string) string {
	const most = 64
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
