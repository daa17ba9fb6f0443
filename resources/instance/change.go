package instance

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/cloudlet/cloudlet/provider/client"
)

// change brings an instance from state to plan, in place. The same calls are
// made in the cloud and in a plan session; only the former is waited for.
type change struct {
	compute     *gophercloud.ServiceClient
	network     *gophercloud.ServiceClient // nil: a plan session that cannot ask it
	plan, state model
	userDataWO  string
	detached    func(ctx context.Context, port string) error // waits until a card is gone; nil in a plan session
	diags       *diag.Diagnostics
}

// run makes the calls in an order in which each may succeed: power comes last,
// because cards are plugged while nothing is under way.
func (c change) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{c.properties, c.metadata, c.tags, c.cards, c.power} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c change) url(parts ...string) string {
	return c.compute.ServiceURL(append([]string{"servers", c.state.ID.ValueString()}, parts...)...)
}

func (c change) properties(ctx context.Context) error {
	body := updateBody(&c.plan, &c.state, c.userDataWO)
	if len(body) == 0 {
		return nil
	}
	return c.put(ctx, c.url(), map[string]any{"server": body})
}

func (c change) metadata(ctx context.Context) error {
	if c.plan.Metadata.Equal(c.state.Metadata) {
		return nil
	}
	return c.put(ctx, c.url("metadata"), map[string]any{"metadata": client.StringMap(c.plan.Metadata)})
}

func (c change) tags(ctx context.Context) error {
	if c.plan.Tags.Equal(c.state.Tags) {
		return nil
	}
	return c.put(ctx, c.url("tags"), map[string]any{"tags": client.Strings(c.plan.Tags)})
}

func (c change) put(ctx context.Context, url string, body any) error {
	_, err := c.compute.Put(ctx, url, body, nil, &gophercloud.RequestOpts{OkCodes: []int{200}})
	return err
}

// cards detaches and attaches network cards, and gives those that the instance
// made the planned security groups.
func (c change) cards(ctx context.Context) error {
	if !c.plan.Networks.IsUnknown() && !c.plan.Networks.Equal(c.state.Networks) {
		detach, attach := nicChange(nics(ctx, c.plan.Networks, c.diags), nics(ctx, c.state.Networks, c.diags))
		for _, port := range detach {
			if _, err := c.compute.Delete(ctx, c.url("os-interface", port), nil); err != nil && !client.NotFound(err) {
				return err
			}
			if c.detached != nil {
				if err := c.detached(ctx, port); err != nil {
					return err
				}
			}
		}
		for _, n := range attach {
			if !n.named() {
				continue
			}
			_, err := c.compute.Post(ctx, c.url("os-interface"), map[string]any{"interfaceAttachment": n.attachWire()}, nil, &gophercloud.RequestOpts{OkCodes: []int{200}})
			if err != nil {
				return err
			}
		}
		if len(attach) > 0 {
			return c.groups(ctx)
		}
	}
	if !c.plan.SecurityGroupIDs.Equal(c.state.SecurityGroupIDs) {
		return c.groups(ctx)
	}
	return nil
}

// groups gives the ports that the instance made the planned security groups.
func (c change) groups(ctx context.Context) error {
	if c.network == nil || c.plan.SecurityGroupIDs.IsUnknown() {
		return nil
	}
	want := client.Strings(c.plan.SecurityGroupIDs)
	w, err := get(ctx, c.compute, c.state.ID.ValueString())
	if err != nil {
		return err
	}
	all, err := portsOf(ctx, c.network, w)
	if err != nil {
		return err
	}
	for _, p := range all {
		if w.foreign(p.ID) || sameSet(p.Groups, want) {
			continue
		}
		if err := ports.Update(ctx, c.network, p.ID, portOptions{map[string]any{"security_groups": want}}).Err; err != nil {
			return err
		}
	}
	return nil
}

// portOptions is the body of a port's update: a struct, as gophercloud wants it.
type portOptions struct{ body map[string]any }

// ToPortUpdateMap implements ports.UpdateOptsBuilder.
func (o portOptions) ToPortUpdateMap() (map[string]any, error) {
	return map[string]any{"port": o.body}, nil
}

// power starts or stops the guest. One that is neither active nor shut off, such
// as in error, is started by a hard reboot.
func (c change) power(ctx context.Context) error {
	want, is := c.plan.PowerState.ValueString(), c.state.PowerState.ValueString()
	if want == is {
		return nil
	}
	return power(ctx, c.compute, c.state.ID.ValueString(), want, is)
}

func power(ctx context.Context, s *gophercloud.ServiceClient, id, want, is string) error {
	action := map[string]any{"os-stop": nil}
	switch {
	case want == active && is == shutoff:
		action = map[string]any{"os-start": nil}
	case want == active:
		action = map[string]any{"reboot": map[string]any{"type": "HARD"}}
	}
	_, err := s.Post(ctx, s.ServiceURL("servers", id, "action"), action, nil, &gophercloud.RequestOpts{OkCodes: []int{202}})
	return err
}
