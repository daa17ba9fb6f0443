package nova

import (
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

// plain makes a handler of an action without parameters: its member is null or
// an empty object.
func plain(name string, do func(tx *statestore.Txn, c cloud.Caller, id string) error) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		var b map[string]jsontext.Value
		if err := rq.Decode(&b); err != nil {
			return nil, err
		}
		if k := b[name].Kind(); k != 'n' && k != '{' && k != '"' {
			return nil, cloud.Errorf(cloud.Invalid, "instance", "Invalid input for field/attribute %s. Value: %s. It takes no parameters: use null.", name, b[name]).At("/" + name)
		}
		return accepted(rq, do)
	}
}

func accepted(rq *front.Request, do func(tx *statestore.Txn, c cloud.Caller, id string) error) (*front.Response, error) {
	err := rq.Write(func(tx *statestore.Txn) error { return do(tx, rq.Caller, rq.PathValue("id")) })
	return front.Accepted(nil), err
}

var (
	serverStart       = plain("os-start", compute.InstanceStart)
	serverStop        = plain("os-stop", compute.InstanceStop)
	serverUnlock      = plain("unlock", compute.InstanceUnlock)
	serverForceDelete = plain("forceDelete", compute.InstanceDelete)
)

func serverDelete(rq *front.Request) (*front.Response, error) {
	err := rq.Write(func(tx *statestore.Txn) error { return compute.InstanceDelete(tx, rq.Caller, rq.PathValue("id")) })
	return front.NoContent(), err
}

func serverReboot(rq *front.Request) (*front.Response, error) {
	var b struct {
		Reboot struct {
			Type string `json:"type"`
		} `json:"reboot"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	kind := strings.ToUpper(b.Reboot.Type)
	if kind != "SOFT" && kind != "HARD" {
		return nil, cloud.Errorf(cloud.Invalid, "instance", "Invalid input for field/attribute type. Value: %s. '%s' is not one of ['HARD', 'SOFT']", b.Reboot.Type, b.Reboot.Type).At("/reboot/type")
	}
	return accepted(rq, func(tx *statestore.Txn, c cloud.Caller, id string) error {
		return compute.InstanceReboot(tx, c, id, kind == "SOFT")
	})
}

func serverLock(rq *front.Request) (*front.Response, error) {
	var b struct {
		Lock *struct {
			Reason *string `json:"locked_reason"` // 2.73
		} `json:"lock"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	reason := ""
	if b.Lock != nil {
		reason = deref(b.Lock.Reason)
	}
	if reason != "" && !rq.Version.AtLeast(73) {
		return nil, unexpected("/lock", "locked_reason")
	}
	return accepted(rq, func(tx *statestore.Txn, c cloud.Caller, id string) error {
		return compute.InstanceLock(tx, c, id, reason)
	})
}

func serverReset(rq *front.Request) (*front.Response, error) {
	var b struct {
		Reset struct {
			State string `json:"state"`
		} `json:"os-resetState"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	if s := b.Reset.State; s != "active" && s != "error" {
		return nil, cloud.Errorf(cloud.Invalid, "instance", "Invalid input for field/attribute state. Value: %s. '%s' is not one of ['active', 'error']", s, s).At("/os-resetState/state")
	}
	return accepted(rq, func(tx *statestore.Txn, c cloud.Caller, id string) error {
		return compute.InstanceReset(tx, c, id, b.Reset.State == "active")
	})
}

func serverGroup(add bool) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		type named struct {
			Name string `json:"name"`
		}
		var b struct {
			Add    named `json:"addSecurityGroup"`
			Remove named `json:"removeSecurityGroup"`
		}
		if err := rq.Decode(&b); err != nil {
			return nil, err
		}
		name, at, do := b.Add.Name, "/addSecurityGroup/name", compute.InstanceGroupAdd
		if !add {
			name, at, do = b.Remove.Name, "/removeSecurityGroup/name", compute.InstanceGroupRemove
		}
		if name == "" {
			return nil, cloud.Errorf(cloud.Invalid, "instance", "Security group name cannot be empty").At(at)
		}
		return accepted(rq, func(tx *statestore.Txn, c cloud.Caller, id string) error { return do(tx, c, id, name) })
	}
}

// serverConsole asks the host for the guest's console log: the one call that
// waits for a host, since what a guest wrote is kept there only.
func (a *api) serverConsole(rq *front.Request) (*front.Response, error) {
	var b struct {
		Get *struct {
			Length any `json:"length"`
		} `json:"os-getConsoleOutput"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	lines := -1
	if b.Get != nil && b.Get.Length != nil {
		raw, err := json.Marshal(b.Get.Length)
		var n integer
		if err != nil || json.Unmarshal(raw, &n) != nil || n < -1 {
			return nil, cloud.Errorf(cloud.Invalid, "instance", "Invalid input for field/attribute length. Value: %s. It is a number of lines, or -1 for all.", raw).At("/os-getConsoleOutput/length")
		}
		lines = int(n)
	}
	id := rq.PathValue("id")
	host, err := compute.ConsoleTarget(rq.Read(), rq.Caller, id)
	if err != nil {
		return nil, err
	}
	if a.Console == nil {
		return nil, cloud.Errorf(cloud.Unavailable, "instance", "No host can be asked for the console of instance %s.", id)
	}
	out, err := a.Console.ConsoleOutput(rq.Context(), host, id, lines)
	switch {
	case cloud.Is(err, cloud.NotFound):
		return nil, cloud.Errorf(cloud.NotFound, "instance", "Unable to get console: instance %s has written nothing yet.", id)
	case err != nil:
		return nil, err
	}
	return front.OK(map[string]string{"output": printableText(out)}), nil
}

// printableText makes console bytes safe in JSON.
func printableText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

func serverUpdate(rq *front.Request) (*front.Response, error) {
	var b struct {
		Server struct {
			Name        *string `json:"name"`
			AccessIPv4  *string `json:"accessIPv4"`
			AccessIPv6  *string `json:"accessIPv6"`
			DiskConfig  *string `json:"OS-DCF:diskConfig"`
			Description *string `json:"description"` // 2.19
			Hostname    *string `json:"hostname"`    // 2.90
			UserData    *string `json:"user_data"`   // Cloudlet's own
		} `json:"server"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	w := b.Server
	if w.Description != nil && !rq.Version.AtLeast(19) {
		return nil, unexpected("/server", "description")
	}
	if w.Hostname != nil && !rq.Version.AtLeast(90) {
		return nil, unexpected("/server", "hostname")
	}
	ch := compute.InstanceChange{Name: w.Name, Hostname: w.Hostname, Description: w.Description, UserData: w.UserData, AccessIPv4: w.AccessIPv4,
		AccessIPv6: w.AccessIPv6, DiskConfig: w.DiskConfig}
	var i compute.Instance
	err := rq.Write(func(tx *statestore.Txn) (err error) {
		i, err = compute.InstanceUpdate(tx, rq.Caller, rq.PathValue("id"), ch)
		return err
	})
	if err != nil {
		return nil, err
	}
	return front.OK(map[string]serverWire{"server": newRendering(rq).server(i)}), nil
}
