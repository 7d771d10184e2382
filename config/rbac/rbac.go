// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package rbac holds the roles generated from the markers in the manager's and
// the agent's code.
package rbac

import (
	"bufio"
	"bytes"
	_ "embed" // the roles
	"errors"
	"fmt"
	"io"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

var (
	//go:embed manager_role.yaml
	managerRole []byte
	//go:embed agent_role.yaml
	agentRole []byte
)

// Roles is what one of the programs may do, cluster-wide and in single
// namespaces.
type Roles struct {
	Cluster    []*rbacv1.ClusterRole
	Namespaced []*rbacv1.Role
}

// Manager returns the roles of schedfleet-manager.
func Manager() (Roles, error) { return parse("manager_role.yaml", managerRole) }

// Agent returns the roles of schedfleet-agent.
func Agent() (Roles, error) { return parse("agent_role.yaml", agentRole) }

func parse(name string, text []byte) (Roles, error) {
	var roles Roles
	docs := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return roles, nil
		}
		if err == nil {
			err = roles.add(doc)
		}
		if err != nil {
			return Roles{}, fmt.Errorf("parsing the embedded %s: %w", name, err)
		}
	}
}

func (r *Roles) add(doc []byte) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(doc, &kind); err != nil {
		return err
	}
	switch kind.Kind {
	case "":
		return nil // nothing but a comment
	case "ClusterRole":
		role := &rbacv1.ClusterRole{}
		r.Cluster = append(r.Cluster, role)
		return yaml.UnmarshalStrict(doc, role)
	case "Role":
		role := &rbacv1.Role{}
		r.Namespaced = append(r.Namespaced, role)
		return yaml.UnmarshalStrict(doc, role)
	}
	return fmt.Errorf("a %s is no role", kind.Kind)
}
