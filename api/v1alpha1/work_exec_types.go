// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Exec has the program, what it is started with, how it is ended, and which
// figures to take from what it writes.
//
// +kubebuilder:validation:XValidation:rule="has(self.definition) || has(self.program)",message="set definition or program"
type Exec struct {
	// definition is a ready-made definition of a well-known program: it gives the
	// name under which nodes offer it, its arguments, the signal that stops it and
	// its metrics. What is set beside it takes the place of its own.
	//
	// +optional
	Definition ExecDefinition `json:"definition,omitempty"`

	// program is the name under which the nodes offer the program (TestNode
	// status.policy.programs). It is no path: the node's owner says what it starts.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9][A-Za-z0-9._+-]*$')",message="must be the name under which nodes offer a program, of letters, digits, '.', '_', '+' and '-'; it is no path"
	Program string `json:"program,omitempty"`

	// args are its arguments, in place of the definition's. In them and in the
	// environment $(DURATION_SECONDS) and $(DURATION_MILLISECONDS) stand for the run's
	// duration, $(CPUS) for the number of CPUs the group can have, and $(WORKER) for the
	// worker's number. $$(CPUS) stands for $(CPUS) itself.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=1024
	Args []string `json:"args,omitempty"`

	// env is its environment; nothing is inherited. PATH is set to the usual
	// directories unless it is set here. By what the dynamic linker, the C library or
	// bash would load other code is refused, such as LD_PRELOAD.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Env []EnvVar `json:"env,omitempty"`

	// stopSignal is the signal that asks it and its children to end when its grace is
	// over; it then has 5 s before it is killed. Default the definition's, or TERM.
	//
	// +optional
	StopSignal StopSignal `json:"stopSignal,omitempty"`

	// grace is how long after the end of the run it may take to end by itself, before
	// it gets the stop signal. 0s to 1m. Default 2s.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && duration(self) >= duration('0s') && duration(self) <= duration('1m')",message="must be a duration of 0s to 1m, such as 2s"
	Grace *metav1.Duration `json:"grace,omitempty"`

	// successExitCodes are the exit codes that say it did its work. Default 0 alone.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:Minimum=0
	// +kubebuilder:validation:items:Maximum=255
	SuccessExitCodes []int32 `json:"successExitCodes,omitempty"`

	// metrics are the figures to take from what it writes, at most 16, in place of the
	// definition's. A figure that is not there is left out of the result.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Metrics []ExecMetric `json:"metrics,omitempty"`
}

// EnvVar is a variable of a program's environment.
type EnvVar struct {
	// name is its name.
	//
	// +required
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z_][A-Za-z0-9_]*$')",message="must be letters, digits and _, not beginning with a digit"
	Name string `json:"name"`

	// value is its value.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Value string `json:"value,omitempty"`
}

// ExecMetric says where a figure is in what a program writes.
//
// +kubebuilder:validation:XValidation:rule="has(self.json) != has(self.pattern)",message="exactly one of json and pattern must be set"
type ExecMetric struct {
	// name is the figure's name in the result.
	//
	// +required
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z][A-Za-z0-9._-]*$')",message="must be a letter, then letters, digits, '.', '_' and '-'"
	Name string `json:"name"`

	// from is where the program writes it. Default Stdout.
	//
	// +optional
	// +default="Stdout"
	From ProgramStream `json:"from,omitempty"`

	// json is the path of a number in the JSON that the program writes, such as
	// jobs.0.read.iops. A dot that is part of a name has a backslash before it. Of several
	// documents, the last that has it counts.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	JSON string `json:"json,omitempty"`

	// pattern is a regular expression in Go's syntax with one group, which is the
	// number; ^ and $ match at lines. The last match counts.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Pattern string `json:"pattern,omitempty"`

	// unit is the figure's unit, such as us or 1/s.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[ -~]*$')",message="must be printable characters, such as ns or 1/s"
	Unit string `json:"unit,omitempty"`

	// polarity is which values are better.
	//
	// +required
	Polarity MetricPolarity `json:"polarity"`
}

// ExecDefinition is a ready-made definition of a program.
//
// +kubebuilder:validation:Enum=schbench;fio;stress-ng;hackbench;cyclictest
type ExecDefinition string

// StopSignal is a signal that asks a program to end, without its SIG.
//
// +kubebuilder:validation:Enum=TERM;INT;QUIT;HUP;USR1;USR2;KILL
type StopSignal string

// ProgramStream is where a program writes to.
//
// +kubebuilder:validation:Enum=Stdout;Stderr
type ProgramStream string
