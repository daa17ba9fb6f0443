package client

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

// Resource is embedded in every resource: it takes the configured client.
type Resource struct {
	Client *Client // nil until the provider is configured
}

// Configure implements resource.ResourceWithConfigure.
func (r *Resource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.Client = from(req.ProviderData, &resp.Diagnostics)
}

// DataSource is embedded in every data source: it takes the configured client.
type DataSource struct {
	Client *Client // nil until the provider is configured
}

// Configure implements datasource.DataSourceWithConfigure.
func (d *DataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.Client = from(req.ProviderData, &resp.Diagnostics)
}

// Ephemeral is embedded in every ephemeral resource: it takes the configured client.
type Ephemeral struct {
	Client *Client // nil until the provider is configured
}

// Configure implements ephemeral.EphemeralResourceWithConfigure.
func (e *Ephemeral) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	e.Client = from(req.ProviderData, &resp.Diagnostics)
}

func from(data any, diags *diag.Diagnostics) *Client {
	if data == nil {
		return nil // the provider is not configured yet: validation
	}
	c, ok := data.(*Client)
	if !ok {
		diags.AddError("Provider is not set up rightly", fmt.Sprintf("A resource was given %T instead of a client; please report this.", data))
	}
	return c
}

// Deadline bounds ctx by a timeouts block's value; a diagnostic ends the call
// that asked. The returned context is not cancelled by Ctrl-C.
func (c *Client) Deadline(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	bounded, cancel := context.WithTimeout(ctx, d)
	changing, cancelChanging := c.Changing(bounded)
	return changing, func() { cancelChanging(); cancel() }
}
