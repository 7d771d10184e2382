// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// IOSyncWrite has the file or device, and when operations are due.
//
// +kubebuilder:validation:XValidation:rule="!has(self.device) || !has(self.fileSize)",message="fileSize is for files: leave it out, or device",fieldPath=".fileSize"
type IOSyncWrite struct {
	// fileSize is the size of a file without a name that each worker has in the
	// scratch directory of the node. 64Ki to 1Gi, in whole blocks of 4Ki. Default
	// 16Mi, without a device.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('64Ki')) >= 0 && quantity(string(self)).compareTo(quantity('1Gi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat()) / 4096 * 4096) == quantity(string(self)).asApproximateFloat())",message="must be 64Ki to 1Gi in whole blocks of 4Ki, such as 16Mi"
	FileSize *resource.Quantity `json:"fileSize,omitempty"`

	// device is a block device to use instead of a file, by its path below /dev.
	// Its content is destroyed: the node must offer it (TestNode
	// status.policy.devices).
	//
	// +optional
	// +kubebuilder:validation:MinLength=6
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self.matches('^(/[A-Za-z0-9_][A-Za-z0-9._:-]*)+$') && self.startsWith('/dev/')",message="must be the path of a block device below /dev, such as /dev/vdb"
	Device string `json:"device,omitempty"`

	// arrival makes the work open: each worker's operations are due by a schedule
	// of their own. Unset, the next begins when the one before is done.
	//
	// +optional
	Arrival *Arrival `json:"arrival,omitempty"`
}

// IORandRead has the file or device, and when operations are due.
//
// +kubebuilder:validation:XValidation:rule="!has(self.device) || !has(self.fileSize)",message="fileSize is for files: leave it out, or device",fieldPath=".fileSize"
type IORandRead struct {
	// fileSize is the size of a file without a name that each worker has in the
	// scratch directory of the node. 64Ki to 1Gi, in whole blocks of 4Ki. Default
	// 16Mi, without a device.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('64Ki')) >= 0 && quantity(string(self)).compareTo(quantity('1Gi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat()) / 4096 * 4096) == quantity(string(self)).asApproximateFloat())",message="must be 64Ki to 1Gi in whole blocks of 4Ki, such as 16Mi"
	FileSize *resource.Quantity `json:"fileSize,omitempty"`

	// device is a block device to use instead of a file, by its path below /dev.
	// Its content is destroyed: the node must offer it (TestNode
	// status.policy.devices).
	//
	// +optional
	// +kubebuilder:validation:MinLength=6
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self.matches('^(/[A-Za-z0-9_][A-Za-z0-9._:-]*)+$') && self.startsWith('/dev/')",message="must be the path of a block device below /dev, such as /dev/vdb"
	Device string `json:"device,omitempty"`

	// arrival makes the work open: each worker's operations are due by a schedule
	// of their own. Unset, the next begins when the one before is done.
	//
	// +optional
	Arrival *Arrival `json:"arrival,omitempty"`
}

// IOConvoy has the file or device, and when operations are due.
//
// +kubebuilder:validation:XValidation:rule="!has(self.device) || !has(self.fileSize)",message="fileSize is for files: leave it out, or device",fieldPath=".fileSize"
type IOConvoy struct {
	// fileSize is the size of a file without a name that each worker has in the
	// scratch directory of the node. 64Ki to 1Gi, in whole blocks of 4Ki. Default
	// 16Mi, without a device.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('64Ki')) >= 0 && quantity(string(self)).compareTo(quantity('1Gi')) <= 0 && double(int(quantity(string(self)).asApproximateFloat()) / 4096 * 4096) == quantity(string(self)).asApproximateFloat())",message="must be 64Ki to 1Gi in whole blocks of 4Ki, such as 16Mi"
	FileSize *resource.Quantity `json:"fileSize,omitempty"`

	// device is a block device to use instead of a file, by its path below /dev.
	// Its content is destroyed: the node must offer it (TestNode
	// status.policy.devices).
	//
	// +optional
	// +kubebuilder:validation:MinLength=6
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self.matches('^(/[A-Za-z0-9_][A-Za-z0-9._:-]*)+$') && self.startsWith('/dev/')",message="must be the path of a block device below /dev, such as /dev/vdb"
	Device string `json:"device,omitempty"`

	// arrival makes the work open: each worker's operations are due by a schedule
	// of their own. Unset, the next begins when the one before is done.
	//
	// +optional
	Arrival *Arrival `json:"arrival,omitempty"`
}
