package bridge

import (
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch/vswitchtest"
)

func TestContract(t *testing.T) {
	needRoot(t)
	vswitchtest.Run(t, func(t *testing.T) vswitchtest.World { return newLab(t) })
}
