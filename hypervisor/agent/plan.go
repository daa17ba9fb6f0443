package agent

import (
	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
)

// step is one thing to do for a guest. Each is safe to repeat.
type step string

// The steps.
const (
	stepNetworks step = "networks" // its networks are there, with filters that name its ports
	stepImage    step = "image"    // its image is in the cache
	stepTaps     step = "taps"     // the taps of cards that are to be plugged in are prepared
	stepEnsure   step = "ensure"   // it is defined as desired
	stepStart    step = "start"    //
	stepReset    step = "reset"    // it has done the last reboot asked for; starts one that is off
	stepStop     step = "stop"     // it has shut down, or was cut off after the grace
	stepCut      step = "cut"      // it is cut off
	stepActivate step = "activate" // its taps are on their bridges
	stepDestroy  step = "destroy"  // it is not defined any more
	stepForget   step = "forget"   // its taps and files are gone
)

// situation is what a plan is made from.
type situation struct {
	want   *hostapi.Instance     // nil: it is not to be here
	exists bool                  // the driver has it defined
	found  hypervisor.GuestState // if it exists
	digest string                // of what is wanted
	asked  bool                  // its user waits for it to run: want.Asked, unless it has run since
}

// The powers of hostapi.Instance and hostapi.ObservedInstance.
const (
	powerRunning = "running"
	powerStopped = "stopped"
	powerGone    = "gone"
	powerPaused  = "paused"
	powerCrashed = "crashed"
)

// plan returns the steps that make what is found what is wanted, in order.
func plan(s situation) []step {
	switch {
	case s.want == nil || s.want.Power == powerGone:
		if s.exists {
			return []step{stepDestroy, stepForget}
		}
		return []step{stepForget}
	case s.want.Power == powerStopped:
		return planStopped(s)
	case s.exists && s.found.Power == hypervisor.Paused && s.found.RebootSerial >= s.want.RebootSerial:
		return nil // by the hypervisor (a full disk): whoever paused it resumes it
	case s.exists && (s.found.Power == hypervisor.Running || s.found.Power == hypervisor.Paused):
		return planRunning(s)
	case s.exists && !s.asked && (s.found.ByGuest || s.found.Power == hypervisor.Crashed):
		return nil // it shut itself down: the server is told, and decides
	}
	up := stepStart
	if s.found.RebootSerial < s.want.RebootSerial {
		up = stepReset
	}
	return []step{stepNetworks, stepImage, stepTaps, stepEnsure, up, stepActivate}
}

// planStopped is the plan for a guest that shall be off. It is defined anew if it
// is to be something else: who looks for what is in use goes by the definition.
func planStopped(s situation) (steps []step) {
	if !s.exists {
		return nil
	}
	if s.found.Power != hypervisor.Off && s.found.Power != hypervisor.Crashed {
		steps = append(steps, stepStop)
	}
	if s.found.Digest != s.digest {
		steps = append(steps, stepNetworks, stepTaps, stepEnsure)
	}
	return steps
}

// planRunning is the plan for a guest that runs and shall run.
func planRunning(s situation) []step {
	if s.found.RebootSerial < s.want.RebootSerial {
		down := stepCut
		if s.want.RebootSoft {
			down = stepStop
		}
		// Power goes off in between, so that what is defined anew counts.
		return []step{stepNetworks, stepImage, down, stepTaps, stepEnsure, stepReset, stepActivate}
	}
	if s.found.Digest != s.digest {
		return []step{stepNetworks, stepTaps, stepEnsure, stepActivate}
	}
	return []step{stepNetworks, stepActivate}
}

// observed is what the server is told of a guest after its steps were done.
func observed(s situation, gone bool) *hostapi.ObservedInstance {
	o := &hostapi.ObservedInstance{Id: s.found.ID, Gone: gone}
	if gone || !s.exists {
		if !gone && s.want != nil && s.want.Power == powerStopped {
			o.Power = powerStopped // there is nothing that could run
		}
		return o
	}
	o.RebootSerial, o.Applied = s.found.RebootSerial, s.found.Digest
	switch s.found.Power {
	case hypervisor.Running:
		o.Power = powerRunning
	case hypervisor.Paused:
		o.Power = powerPaused
	case hypervisor.Crashed:
		o.Power = powerCrashed
	case hypervisor.Off:
		if s.found.ByGuest || s.want != nil && s.want.Power == powerStopped {
			o.Power = powerStopped
		}
	}
	return o
}
