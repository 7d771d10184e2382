// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/pkg/workload/fingerprint"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// thisMachine is what topo prints. Members are called as in a TestNode's status.
type thisMachine struct {
	Topology    *topology.Machine        `json:"topology"`
	Fingerprint *fingerprint.Fingerprint `json:"fingerprint"`
}

func newTopoCommand() *cobra.Command {
	var root, output string
	cmd := &cobra.Command{
		Use:   "topo",
		Short: "Draw this machine's topology and print its fingerprint",
		Long: `Draw NUMA nodes, last-level caches, cores and CPUs as the engine sees them, and
print the fingerprint: what decides whether results of two machines compare.
Run it as root to get the fingerprint an agent gets; some facts are for root.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write, ok := topoWriters[output]
			if !ok {
				return badCall{fmt.Errorf("--output must be text, json or yaml, not %q", output)}
			}
			m, err := topology.Read(root)
			if err != nil {
				return err
			}
			return write(cmd.OutOrStdout(), thisMachine{Topology: m, Fingerprint: fingerprint.Read(root, m)})
		},
	}
	cmd.Flags().StringVar(&root, "root", "/", "directory below which sys/ and proc/ are read")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text, json or yaml; the latter two give all that is known")
	return cmd
}

var topoWriters = map[string]func(io.Writer, thisMachine) error{
	"text": func(w io.Writer, m thisMachine) error {
		if err := m.Topology.Draw(w); err != nil {
			return err
		}
		_, err := io.WriteString(w, "\n"+fingerprintText(m.Fingerprint))
		return err
	},
	"json": func(w io.Writer, m thisMachine) error {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(m)
	},
	"yaml": func(w io.Writer, m thisMachine) error {
		text, err := yaml.Marshal(m)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	},
}

// fingerprintText is digests and facts in lines of 80 columns.
func fingerprintText(f *fingerprint.Fingerprint) string {
	var b strings.Builder
	fmt.Fprintf(&b, "fingerprint %s\n", f.Digest)
	for _, part := range []struct {
		title string
		facts []fingerprint.Fact
	}{
		{"hardware " + f.HardwareDigest, f.Hardware},
		{"software " + f.SoftwareDigest, f.Software},
		{"in no digest", f.Volatile},
	} {
		if len(part.facts) == 0 {
			continue
		}
		b.WriteString("\n" + part.title + "\n")
		width := 0
		for _, fact := range part.facts {
			width = max(width, len(fact.Name))
		}
		for _, fact := range part.facts {
			b.WriteString(wrapped(fmt.Sprintf("  %-*s", width, fact.Name), fact.Value))
		}
	}
	return b.String()
}

// wrapped breaks a text at blanks after 80 columns. Lines but the first are
// indented as far as the title of the first is long.
func wrapped(title, text string) string {
	const columns = 80
	var b strings.Builder
	line := title
	for i, word := range strings.Fields(text) {
		if i > 0 && len(line)+1+len(word) > columns {
			b.WriteString(line + "\n")
			line = strings.Repeat(" ", len(title))
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
	return b.String()
}
