// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package rbac holds who may do what: the roles generated from the markers in the
// manager's and the agent's code, the accounts that have them, and roles for people.
package rbac

import "embed"

// Names of what the manifests define.
const (
	// ManagerAccount and AgentAccount are service accounts in the namespace of Leases.
	ManagerAccount = "schedfleet-manager"
	AgentAccount   = "schedfleet-agent"
	// UserRole is for the people of one namespace, NodeViewerRole for all.
	UserRole       = "schedfleet-user"
	NodeViewerRole = "schedfleet-node-viewer"
)

//go:embed accounts.yaml agent_role.yaml manager_role.yaml user_role.yaml bindings.yaml
var manifests embed.FS

// files are the manifests in an order in which they can be created.
var files = []string{"accounts.yaml", "agent_role.yaml", "manager_role.yaml", "user_role.yaml", "bindings.yaml"}

// All is every manifest, each with its YAML documents.
func All() ([][]byte, error) {
	var all [][]byte
	for _, name := range files {
		text, err := manifests.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, nil
}
