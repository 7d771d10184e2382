// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
)

func cacheThread(t *testing.T, k *Taobench) *taobenchThread {
	t.Helper()
	a, err := arena.New(arena.Plan{Workers: []arena.WorkerPlan{{}}, Regions: []int{k.layout().bytes}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	var w Worker
	w.Bind(a, 0, 0, nil)
	w.Region, w.Seed = a.Region(0), 7
	thread := k.thread(&w, 1)
	return &thread
}

// The cache is what a map with a list of arrivals is, through every kind of collision
// and eviction.
func TestTaobenchCacheAgainstAMap(t *testing.T) {
	const limit = 3
	c := cacheThread(t, &Taobench{CacheCapacity: quantity.Bytes(math.Ceil(limit * shards * valueMean)), TargetHitPercent: 10})
	if c.at.limit != limit {
		t.Fatalf("a shard holds %d", c.at.limit)
	}
	var arrived [shards][]uint64
	for range 100_000 {
		key := c.random.below(c.at.keys)
		if c.random.below(2) == 0 {
			if !c.put(key) {
				t.Fatal("not stored")
			}
			if list := &arrived[key%shards]; !slices.Contains(*list, key) {
				*list = append(*list, key)
				*list = (*list)[max(0, len(*list)-limit):]
			}
		}
		key = c.random.below(c.at.keys)
		before := c.seen
		found, _ := c.read(key)
		if want := slices.Contains(arrived[key%shards], key); found != want {
			t.Fatalf("key %d is found: %v, want %v", key, found, want)
		}
		// All words of a value are its key.
		if read := c.seen - before; found && key > 0 && (read%key != 0 || read/key < 8) {
			t.Fatalf("key %d has a value of other words", key)
		}
	}
	// No value got lost on the way: those handed out are in the cache or free.
	var inUse, free int
	for class := range valueSizes {
		pool := taobenchPool + class*poolSlot
		inUse += int(*c.Region.Word64(pool + poolUsed))
		for value := *c.Region.Word64(pool + poolFree); value != 0; free++ {
			at, _ := place(value)
			value = *c.Region.Word64(at)
		}
	}
	held := 0
	for _, list := range arrived {
		held += len(list)
	}
	if inUse-free != held {
		t.Errorf("%d values in use, %d free, %d in the cache", inUse, free, held)
	}
}

// What is in the cache before the time begins is everything that fits.
func TestTaobenchIsFilled(t *testing.T) {
	k := &Taobench{ClientThreads: 1, CacheCapacity: 1 << 20, TargetHitPercent: 90}
	c := cacheThread(t, k)
	if errno := k.Prepare(c.Worker); errno != 0 {
		t.Fatal(errno)
	}
	found := 0
	for key := range c.at.keys {
		if ok, _ := c.read(key); ok {
			found++
		}
	}
	if share := float64(found) / float64(c.at.keys); math.Abs(share-0.9) > 0.001 || found != c.at.objects {
		t.Errorf("%d of %d keys are in the cache, which holds %d", found, c.at.keys, c.at.objects)
	}
}

// Sizes come as often as their weights say: a chi-squared test with 7 degrees of freedom, of which 1 in 10,000
// exceeds 29.9. Their mean is 332 bytes.
func TestTaobenchSizes(t *testing.T) {
	const draws = 1_000_000
	r := newRandom(42)
	var counts [len(valueSizes)]float64
	for range draws {
		counts[drawSize(&r)]++
	}
	var chi, mean, squares float64
	for class, n := range counts {
		want := float64(draws) * float64(valueWeights[class]) / valueWeightSum
		chi += (n - want) * (n - want) / want
		mean += n * float64(valueSizes[class]) / draws
		squares += n * float64(valueSizes[class]*valueSizes[class]) / draws
	}
	if chi > 29.9 {
		t.Errorf("chi-squared is %.1f: %v", chi, counts)
	}
	if off := math.Sqrt((squares - mean*mean) / draws); math.Abs(mean-valueMean) > 4*off || math.Abs(valueMean-332) > 1 {
		t.Errorf("the mean is %.1f, want %.1f ± %.1f", mean, valueMean, off)
	}
}

// The distribution of slow sleeps has the quantiles of a Pareto distribution that has the median and the 99th
// percentile asked for.
func TestTaobenchServiceTimes(t *testing.T) {
	const draws = 1_000_000
	p50, p99 := 100*time.Microsecond, time.Millisecond
	k := &Taobench{SlowPathSleep: new(quantity.Duration(p50)), SlowPathP99: new(quantity.Duration(p99))}
	s, r := k.service(), newRandom(42)
	values := make([]float64, draws)
	for i := range values {
		values[i] = float64(s.draw(&r))
	}
	slices.Sort(values)
	shape := math.Log(50) / math.Log(float64(p99)/float64(p50))
	for _, q := range []float64{0.01, 0.1, 0.5, 0.9, 0.99, 0.999} {
		want := float64(p50) * math.Pow(0.5/(1-q), 1/shape)
		// Four standard deviations of a sample's quantile, by the density there.
		off := 4 * math.Sqrt(q*(1-q)/draws) * want / (shape * (1 - q))
		if got := values[int(q*draws)]; math.Abs(got-want) > off+1 {
			t.Errorf("quantile %v is %.0f ns, want %.0f ± %.0f", q, got, want, off)
		}
	}
	if most := values[draws-1]; most > float64(2*time.Second) {
		t.Errorf("one sleep is %v", time.Duration(most))
	}
	k.SlowPathP99 = nil
	for s, draw := k.service(), 0; draw < 10; draw++ {
		if got := s.draw(&r); got != int64(p50) {
			t.Errorf("sleep %d is %d ns, not fixed at %d", draw, got, int64(p50))
		}
	}
}
