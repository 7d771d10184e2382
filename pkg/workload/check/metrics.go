// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package check

import "github.com/schedfleet/schedfleet/pkg/workload/spec"

// ofGroup reads the figures that a check is about of one group in a hold. Where a
// group has none, it says why.
type ofGroup func(c *spec.Check, h *hold, g *group) (list []reading, none string)

// ofCgroup is the same for cgroups; i is the position in the hold's.
type ofCgroup func(c *spec.Check, h *hold, i int) (list []reading, none string)

var groupMetrics = map[spec.CheckMetric]ofGroup{
	spec.CheckStarvation:         starvation,
	spec.CheckMaxGap:             maxGap,
	spec.CheckIsolation:          isolation,
	spec.CheckOffCPUSpread:       offCPUSpread,
	spec.CheckThroughputCV:       throughputCV,
	spec.CheckWorkRate:           workRate,
	spec.CheckIterationRate:      iterationRate,
	spec.CheckMigrationRatio:     migrationRatio,
	spec.CheckRunDelay:           runDelay,
	spec.CheckWakeLatency:        distribution,
	spec.CheckTimerLatency:       distribution,
	spec.CheckIterationCost:      distribution,
	spec.CheckResponseTime:       distribution,
	spec.CheckRequestRate:        distribution,
	spec.CheckPageLocality:       pageLocality,
	spec.CheckCrossNodeMigration: crossNodeMigration,
}

var cgroupMetrics = map[spec.CheckMetric]ofCgroup{
	spec.CheckCPUShare:       cpuShare,
	spec.CheckCPUPressure:    pressure,
	spec.CheckMemoryPressure: pressure,
	spec.CheckIOPressure:     pressure,
	spec.CheckThrottling:     throttling,
}

// outOfHolds are metrics that belong to the run as a whole, whatever its steps are.
var outOfHolds = map[spec.CheckMetric]func(c *spec.Check, h *hold, g *group) (list []reading, none string){
	spec.CheckProgramMetric: programMetric,
}
