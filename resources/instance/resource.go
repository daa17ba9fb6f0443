package instance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// defaultTimeout bounds one create, update or delete, the waiting included.
const defaultTimeout = 10 * time.Minute

// The power states that can be asked for.
const (
	active  = "active"
	shutoff = "shutoff"
)

// NewResource returns cloudlet_instance.
func NewResource() resource.Resource { return &instance{} }

type instance struct{ client.Resource }

// Metadata implements resource.Resource.
func (r *instance) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_instance"
}

// create asks for an instance and returns its id.
func create(ctx context.Context, s *gophercloud.ServiceClient, body map[string]any) (string, error) {
	var out struct {
		Server struct {
			ID string `json:"id"`
		} `json:"server"`
	}
	_, err := s.Post(ctx, s.ServiceURL("servers"), body, &out, &gophercloud.RequestOpts{OkCodes: []int{200, 202}})
	return out.Server.ID, err
}

// get reads a server, with what it was asked to be where the cloud tells.
func get(ctx context.Context, s *gophercloud.ServiceClient, id string) (w wire, err error) {
	err = servers.Get(ctx, s, id).ExtractIntoStructPtr(&w, "server")
	return w, err
}

// portsOf returns the ports that are plugged into an instance: as the instance
// tells them, or else from the network API.
func portsOf(ctx context.Context, s *gophercloud.ServiceClient, w wire) (out []wirePort, err error) {
	if w.Intent != nil {
		for _, n := range w.Intent.Networks {
			if n.Is != nil {
				n.Is.ID = n.Port
				out = append(out, *n.Is)
			}
		}
		return out, nil
	}
	pages, err := ports.List(s, ports.ListOpts{DeviceID: w.ID}).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	err = ports.ExtractPortsInto(pages, &out)
	return out, err
}

// Create implements resource.Resource. Once the cloud has taken the instance on,
// it is in the state, whatever becomes of it.
func (r *instance) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m model
	var secret types.String
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("user_data_wo"), &secret)...)
	limit, diags := m.Timeouts.Create(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	body, id := m.createBody(ctx, secret.ValueString(), &resp.Diagnostics), ""
	lost, err := r.Client.Once(ctx, r.Client.Compute, func(ctx context.Context, made string) error {
		id = made
		_, err := get(ctx, r.Client.Compute, made)
		return err
	}, func(ctx context.Context, s *gophercloud.ServiceClient) (err error) {
		id, err = create(ctx, s, body)
		return err
	})
	if err != nil {
		var config model
		resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
		client.AddError(&resp.Diagnostics, "Cannot create the instance", err, fieldsOf(config))
		if lost != "" {
			m.ID = types.StringValue(lost)
			client.SaveCreated(ctx, &resp.State, &m, &resp.Diagnostics)
		}
		return
	}
	m.ID = types.StringValue(id)
	client.SetIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
	w, err := r.built(ctx, id, m.PowerState.ValueString())
	if err != nil {
		addError(&resp.Diagnostics, "The instance was not built", err)
	} else {
		r.fill(ctx, &m, w, &resp.Diagnostics)
	}
	if resp.Diagnostics.HasError() {
		client.SaveCreated(ctx, &resp.State, &m, &resp.Diagnostics)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// built waits until a new instance runs, and brings it into the power state that
// it is to have.
func (r *instance) built(ctx context.Context, id, want string) (wire, error) {
	w, err := r.waitFor(ctx, id, active)
	if err != nil || want != shutoff {
		return w, err
	}
	if err := power(ctx, r.Client.Compute, id, shutoff, active); err != nil {
		return w, err
	}
	return r.waitFor(ctx, id, shutoff)
}

// waitFor waits until the instance has a power state and nothing is under way. A
// guest that powers itself off as soon as it has run was active. It fails if the
// instance comes to be in error.
func (r *instance) waitFor(ctx context.Context, id, want string) (wire, error) {
	var w wire
	s := r.Client.Compute
	err := r.Client.Wait(ctx, s, s.ServiceURL("servers", id), func(body []byte) (bool, error) {
		var err error
		if w, err = client.Into[wire](body, "server"); err != nil || w.TaskState != "" {
			return false, err
		}
		if w.Status == "ERROR" {
			return false, errors.New("the cloud reports an error: " + w.Fault.Message)
		}
		is := powerState(w.Status, "")
		return is == want || is == shutoff, nil
	})
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("its status is still %s (%s) and the time that timeouts gives is over: %w", w.Status, w.TaskState, err)
	}
	return w, err
}

// fill sets the model from a server that was changed and its ports. What was
// planned of its power and its groups has been reached, and stays: a guest may
// power itself off at once, cards may differ. The next refresh tells.
func (r *instance) fill(ctx context.Context, m *model, w wire, diags *diag.Diagnostics) {
	power, groups := m.PowerState, m.SecurityGroupIDs
	all, err := portsOf(ctx, r.Client.Network, w)
	if err != nil {
		addError(diags, "Cannot read the instance's ports", err)
		return
	}
	m.fill(ctx, w, all, diags)
	m.PowerState = power
	if !groups.IsUnknown() {
		m.SecurityGroupIDs = groups
	}
	r.fillFlavorID(ctx, m, diags)
}

// fillFlavorID looks the flavor up on a cloud that tells only its name.
func (r *instance) fillFlavorID(ctx context.Context, m *model, diags *diag.Diagnostics) {
	if !m.FlavorID.IsNull() || m.FlavorName.IsNull() {
		return
	}
	id, err := flavorNamed(ctx, r.Client.Compute, m.FlavorName.ValueString())
	if err != nil {
		diags.AddWarning("The instance's flavor cannot be told", err.Error()+".")
	}
	m.FlavorID = client.StringOrNull(id)
}

// Read implements resource.Resource.
func (r *instance) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	client.SetIdentity(ctx, resp.Identity, m.ID.ValueString(), &resp.Diagnostics)
	w, err := get(ctx, r.Client.Compute, m.ID.ValueString())
	if client.NotFound(err) || err == nil && w.gone() {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		addError(&resp.Diagnostics, "Cannot read the instance", err)
		return
	}
	all, err := portsOf(ctx, r.Client.Network, w)
	if err != nil {
		addError(&resp.Diagnostics, "Cannot read the instance's ports", err)
		return
	}
	m.fill(ctx, w, all, &resp.Diagnostics)
	r.fillFlavorID(ctx, &m, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update implements resource.Resource.
func (r *instance) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state, config model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	limit, diags := plan.Timeouts.Update(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	id := state.ID.ValueString()
	ch := change{compute: r.Client.Compute, network: r.Client.Network, plan: plan, state: state, userDataWO: config.UserDataWO.ValueString(), detached: func(ctx context.Context, port string) error {
		return r.Client.WaitGone(ctx, r.Client.Compute, r.Client.Compute.ServiceURL("servers", id, "os-interface", port), nil)
	}, diags: &resp.Diagnostics}
	if err := ch.run(ctx); err != nil {
		client.AddError(&resp.Diagnostics, "Cannot update the instance", err, fieldsOf(config))
		return
	}
	w, err := r.settled(ctx, plan, state)
	if err != nil {
		addError(&resp.Diagnostics, "The instance did not become "+plan.PowerState.ValueString(), err)
		return
	}
	r.fill(ctx, &plan, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	client.SetIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
}

// settled reads the instance after a change, and waits first if its power changed.
func (r *instance) settled(ctx context.Context, plan, state model) (wire, error) {
	if plan.PowerState.Equal(state.PowerState) {
		return get(ctx, r.Client.Compute, state.ID.ValueString())
	}
	return r.waitFor(ctx, state.ID.ValueString(), plan.PowerState.ValueString())
}

// Delete implements resource.Resource. It returns when nothing of the instance is
// left.
func (r *instance) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	limit, diags := m.Timeouts.Delete(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	s, id := r.Client.Compute, m.ID.ValueString()
	if err := servers.Delete(ctx, s, id).Err; err != nil && !client.NotFound(err) {
		addError(&resp.Diagnostics, "Cannot delete the instance", err)
		return
	}
	err := r.Client.Wait(ctx, s, s.ServiceURL("servers", id), func(body []byte) (bool, error) {
		w, err := client.Into[wire](body, "server")
		if err == nil && w.Status == "ERROR" && w.TaskState == "" {
			err = errors.New("the cloud reports an error: " + w.Fault.Message)
		}
		return w.gone(), err
	})
	if err != nil && !client.NotFound(err) {
		addError(&resp.Diagnostics, "The instance was not deleted", err)
	}
}

func addError(diags *diag.Diagnostics, summary string, err error) {
	client.AddError(diags, summary, err, fields)
}
