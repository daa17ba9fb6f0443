package securitygroup

import (
	"context"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewResource returns cloudlet_security_group.
func NewResource() resource.Resource {
	return &group{managed.New(managed.Of(object, managed.Kind[model, wire]{
		Name: "security_group", Schema: groupSchema(), Timeout: 2 * time.Minute, Fields: fields, Update: update,
		Service: func(c *client.Client) *gophercloud.ServiceClient { return c.Network },
		Settle: func(ctx context.Context, s *gophercloud.ServiceClient, w wire, c managed.Change[model]) error {
			return setRules(ctx, s, w.ID, c.Plan, w.Rules)
		},
	}))}
}

type group struct {
	*managed.Resource[model, wire, *model]
}

var object = managed.Object[wire]{Name: "security_group", Path: "security-groups", Method: http.MethodPut}

// update brings name, description and rules from state to plan.
func update(ctx context.Context, s *gophercloud.ServiceClient, c managed.Change[model]) error {
	id := c.State.ID.ValueString()
	if err := object.Update(ctx, s, id, client.UpdateBody(c.Plan.Attributes(), c.State.Attributes())); err != nil {
		return err
	}
	if c.Plan.Rules.Equal(c.State.Rules) && c.Plan.DefaultEgress.Equal(c.State.DefaultEgress) {
		return nil
	}
	w, err := object.Read(ctx, s, id)
	if err != nil {
		return err
	}
	return setRules(ctx, s, id, c.Plan, w.Rules)
}
