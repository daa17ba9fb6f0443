package flavor

import (
	"maps"
	"slices"
	"testing"
)

func TestSpecChange(t *testing.T) {
	set, unset := specChange(map[string]string{"a": "1", "b": "2", "d": "4"}, map[string]string{"a": "1", "b": "3", "c": "4", "B": "5"})
	if !maps.Equal(set, map[string]string{"b": "2", "d": "4"}) || !slices.Equal(unset, []string{"B", "c"}) {
		t.Errorf("set %v, unset %v", set, unset)
	}
}
