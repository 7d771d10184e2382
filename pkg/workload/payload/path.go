// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of a path.
const (
	maxPath     = 255
	maxElements = 32
)

// Path leads from the top of a JSON document to a leaf: names of members, and
// numbers of elements where it meets an array.
type Path []string

// ParsePath reads a path whose elements are parted by dots. A backslash takes the dot
// or backslash behind it for a part of the name.
func ParsePath(text string) (Path, error) {
	if len(text) > maxPath {
		return nil, fmt.Errorf("must have at most %d bytes, not %d", maxPath, len(text))
	}
	var path Path
	var element strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '.':
			path = append(path, element.String())
			element.Reset()
		case c != '\\':
			element.WriteByte(c)
		case i+1 < len(text) && (text[i+1] == '.' || text[i+1] == '\\'):
			i++
			element.WriteByte(text[i])
		default:
			return nil, fmt.Errorf(`%q must have a dot or a backslash behind the backslash at byte %d`, text, i)
		}
	}
	path = append(path, element.String())
	if len(path) > maxElements {
		return nil, fmt.Errorf("must have at most %d elements, not %d", maxElements, len(path))
	}
	for i, name := range path {
		if name == "" {
			return nil, fmt.Errorf("element %d of %q must not be empty", i, text)
		}
	}
	return path, nil
}

// String writes the path as ParsePath reads it.
func (p Path) String() string {
	escaped := make([]string, len(p))
	for i, name := range p {
		escaped[i] = strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(name)
	}
	return strings.Join(escaped, ".")
}

// errAbsent says that a document has nothing at a path.
var errAbsent = errors.New("is not there")

// find is the figure at a path of a document that was decoded with its numbers as
// they are written. What is there but no number is an error of its own.
func (p Path) find(document any) (json.Number, error) {
	at := document
	for i, name := range p {
		var found bool
		switch v := at.(type) {
		case map[string]any:
			at, found = v[name]
		case []any:
			n, err := strconv.ParseUint(name, 10, 31)
			if found = err == nil && n < uint64(len(v)); found {
				at = v[n]
			}
		}
		if !found {
			return "", fmt.Errorf("%s %w", p[:i+1], errAbsent)
		}
	}
	if n, ok := at.(json.Number); ok {
		return n, nil
	}
	return "", fmt.Errorf("%s is %s, not a number", p, kindOf(at))
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case bool:
		return "true or false"
	case nil:
		return "null"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}
