// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// canonical is the run with its quantities in the forms that the model reads: a
// quantity keeps the form it was written in, so that 32e3 would stay 32e3 and 0.2
// would become 200m only by chance. All are amounts of memory, but the limits on
// interference, which are numbers of CPUs.
func canonical(run *v1alpha1.RunSpec) (*v1alpha1.RunSpec, error) {
	out := run.DeepCopy()
	var errs []error
	eachQuantity(reflect.ValueOf(out).Elem(), "", func(path string, q *resource.Quantity) {
		write := inBytes
		if strings.HasPrefix(path, "interference.") {
			write = inThousandths
		}
		if err := write(q); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	})
	return out, errors.Join(errs...)
}

// eachQuantity calls f with every quantity that is set in a value of the API, and
// with its path.
func eachQuantity(v reflect.Value, path string, f func(path string, q *resource.Quantity)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachQuantity(v.Elem(), path, f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachQuantity(v.Index(i), fmt.Sprintf("%s[%d]", path, i), f)
		}
	case reflect.Struct:
		if q, ok := reflect.TypeAssert[*resource.Quantity](v.Addr()); ok {
			f(path, q)
			return
		}
		for field, member := range v.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			eachQuantity(member, strings.TrimPrefix(path+"."+name, "."), f)
		}
	default:
	}
}

// inBytes writes a quantity of whole bytes anew.
func inBytes(q *resource.Quantity) error {
	n := q.Value() // which rounds up
	if q.Sign() < 0 || q.CmpInt64(n) != 0 {
		return fmt.Errorf("must be a whole number of bytes of at least 0, such as 64Mi, not %s", q)
	}
	*q = *resource.NewQuantity(n, resource.BinarySI)
	return nil
}

// inThousandths writes a number of CPUs anew.
func inThousandths(q *resource.Quantity) error {
	n := resource.NewMilliQuantity(q.MilliValue(), resource.DecimalSI)
	if q.Sign() < 0 || q.Cmp(*n) != 0 {
		return fmt.Errorf("must be a whole number of thousandths of a CPU of at least 0, such as 200m, not %s", q)
	}
	*q = *n
	return nil
}
