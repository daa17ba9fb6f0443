package plugin

import (
	"reflect"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// fill gives every field of a value one of its own that is not zero.
func fill(v reflect.Value, n *int64) {
	*n++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(*n, *n).UTC()))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case v.Kind() == reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n)
		fill(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case v.Kind() == reflect.String:
		v.SetString(time.Duration(*n).String())
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(*n)
	case v.CanUint():
		v.SetUint(uint64(*n))
	default:
		panic(v.Type().String())
	}
}

func crosses[T any](t *testing.T, over func(T) T) {
	t.Helper()
	var sent, zero T
	var n int64
	fill(reflect.ValueOf(&sent).Elem(), &n)
	for _, v := range []T{sent, zero} {
		if got := over(v); !reflect.DeepEqual(got, v) {
			t.Errorf("%T: sent %+v, came as %+v", v, v, got)
		}
	}
}

// A field that is added to the contract and forgotten here fails this test.
func TestEveryFieldCrosses(t *testing.T) {
	crosses(t, func(g hypervisor.Guest) hypervisor.Guest { return guestFromWire(guestToWire(g)) })
	crosses(t, func(s hypervisor.GuestState) hypervisor.GuestState { return stateFromWire(stateToWire(s)) })
	crosses(t, func(e hypervisor.Event) hypervisor.Event { return eventFromWire(eventToWire(e)) })
	crosses(t, func(f hypervisor.Fingerprint) hypervisor.Fingerprint {
		return fingerprintFromWire(fingerprintToWire(f))
	})
	crosses(t, func(s hypervisor.Stats) hypervisor.Stats { return statsFromWire(statsToWire(s)) })
}
