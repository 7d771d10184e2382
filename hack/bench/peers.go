// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/schedfleet/schedfleet/hack/internal/cache"
)

//go:embed c
var sources embed.FS

// The C programs, by the names of their files.
const (
	forkHandshake = "fork_handshake"
	futexPingPong = "futex_pingpong"
	pipePingPong  = "pipe_pingpong"
)

var compiler = []string{"gcc", "-O2", "-Wall"}

// peers is the folder with the compiled C programs.
type peers string

// buildPeers compiles the C programs unless the cache has them, or says why it cannot.
func buildPeers(ctx context.Context) (peers, string) {
	dir, err := compile(ctx)
	if err != nil {
		return "", err.Error()
	}
	return peers(dir), ""
}

func compile(ctx context.Context) (string, error) {
	gcc, err := exec.LookPath(compiler[0])
	if err != nil {
		return "", fmt.Errorf("the C programs cannot be compiled: %w (install gcc and libc6-dev)", err)
	}
	files, sum, err := readSources()
	if err != nil {
		return "", err
	}
	dir, err := cache.Dir("bench", "c-"+sum)
	if err != nil {
		return "", err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return "", err
		}
	}
	for _, name := range []string{forkHandshake, futexPingPong, pipePingPong} {
		out := filepath.Join(dir, name)
		if _, err := os.Stat(out); err == nil {
			continue
		}
		args := append(compiler[1:len(compiler):len(compiler)], "-o", out, out+".c")
		if text, err := exec.CommandContext(ctx, gcc, args...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("compiling %s.c: %w: %s", name, err, bytes.TrimSpace(text))
		}
	}
	return dir, nil
}

// readSources returns the files and a name for their contents.
func readSources() (map[string][]byte, string, error) {
	entries, err := sources.ReadDir("c")
	if err != nil {
		return nil, "", err
	}
	files := map[string][]byte{}
	sum := sha256.New()
	for _, e := range entries { // in the order of names
		text, err := sources.ReadFile("c/" + e.Name())
		if err != nil {
			return nil, "", err
		}
		files[e.Name()] = text
		fmt.Fprintf(sum, "%s %d\n%s", e.Name(), len(text), text)
	}
	return files, fmt.Sprintf("%x", sum.Sum(nil)[:4]), nil
}

// run runs a program and returns the numbers it printed, line by line.
func (p peers) run(ctx context.Context, name string, args ...string) ([][]float64, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(string(p), name), args...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("running %s: %w", name, err)
	}
	return numbers(string(text))
}

func numbers(text string) ([][]float64, error) {
	var lines [][]float64
	for line := range strings.Lines(text) {
		var row []float64
		for f := range strings.FieldsSeq(line) {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				return nil, err
			}
			row = append(row, v)
		}
		lines = append(lines, row)
	}
	return lines, nil
}

// fork yields the time per child in µs.
func (p peers) fork(children int) runner {
	return func(ctx context.Context) ([]float64, error) {
		lines, err := p.run(ctx, forkHandshake, strconv.Itoa(children))
		if err != nil {
			return nil, err
		}
		return []float64{lines[0][0] / 1000 / float64(children)}, nil
	}
}

// pair yields the hand-overs per second of one process of a pair.
func (p peers) pair(kind string, cpus pairing) runner {
	return func(ctx context.Context) ([]float64, error) {
		lines, err := p.run(ctx, kind, strconv.Itoa(pingSeconds), strconv.Itoa(cpus[0]), strconv.Itoa(cpus[1]))
		if err != nil {
			return nil, err
		}
		rate := 0.0
		for _, l := range lines {
			rate += perSecond(uint64(l[0]), int64(l[1])) / 2
		}
		return []float64{rate}, nil
	}
}
