// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Without an assembly file the compiler refuses functions that have no body,
// which is how the package names functions of the runtime.
