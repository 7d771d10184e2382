// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

// tlsBias is the distance of the TLS register from the word that holds g.
const tlsBias = 8
