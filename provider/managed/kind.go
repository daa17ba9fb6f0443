package managed

import (
	"context"
	"errors"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// Kind is one kind of thing: M is Terraform's model of it, W the thing as the API
// gives it. Its calls get a client of the plan session when a plan runs them.
type Kind[M, W any] struct {
	Name    string        // Terraform's type without the provider's name; messages have spaces for underscores
	Schema  schema.Schema // without the timeouts block; with IDAttribute, if it names no id
	Timeout time.Duration // bounds one create, update or delete, if the configuration does not
	Fields  client.Fields // what an error of the API may point at
	Service func(*client.Client) *gophercloud.ServiceClient

	Create func(ctx context.Context, s *gophercloud.ServiceClient, c Change[M]) (W, error)
	Read   func(ctx context.Context, s *gophercloud.ServiceClient, id string) (W, error)
	Update func(ctx context.Context, s *gophercloud.ServiceClient, c Change[M]) error // nil if nothing changes in place
	Delete func(ctx context.Context, s *gophercloud.ServiceClient, id string) error   // NotFound counts as done

	// What follows is nil for most kinds.

	// Complete adds to the plan what follows from the configuration without asking
	// the cloud.
	Complete func(ctx context.Context, c *Change[M], diags *diag.Diagnostics)
	// Choose returns the id that the thing will have, and puts it in the plan, where
	// the API lets the caller choose.
	Choose func(plan *M) string
	// Settle makes the further calls of a create. If it fails, the thing is deleted.
	Settle func(ctx context.Context, s *gophercloud.ServiceClient, made W, c Change[M]) error
	// Keep makes a call that changes nothing for a thing that the plan leaves as it
	// is: see client.Client.PlanKeep.
	Keep func(ctx context.Context, s *gophercloud.ServiceClient, state M) error
	// Refers are the attributes that a plan finds the meaning of, and the kinds that
	// they refer to: see client.Check.
	Refers map[string]string
	// Rests reports whether the API refused a delete because others rest on the
	// thing, where it says so as it says that the caller may not: the plan may take
	// those away first.
	Rests func(err error) bool
}

// ErrNotAsked is for a Create or Update that a plan runs and that needs what only
// apply will know: the cloud is not asked.
var ErrNotAsked = errors.New("not known yet")

// Change is what a create or an update is made from.
type Change[M any] struct {
	Config M // as written: the only place of write-only values
	Plan   M
	State  *M // nil for a create
}

// Model is what a model of Terraform's does for its kind.
type Model[M, W any] interface {
	*M
	Key() *types.String     // its id
	Limits() timeouts.Value // the timeouts block
	// Attributes tells what a create sends and an update may send. A change of one
	// that no update may send is a replacement.
	Attributes() []client.Attribute
	// Fill sets the model from what the API gives; what was there before may decide
	// how it is told.
	Fill(ctx context.Context, w W, diags *diag.Diagnostics)
}

// Common is what every model has; it is embedded.
type Common struct {
	Thing
	Timed
}

// Thing is of Common what a data source has too.
type Thing struct {
	ID types.String `tfsdk:"id"`
}

// Key implements Model.
func (t *Thing) Key() *types.String { return &t.ID }

// Timed is the rest of Common.
type Timed struct {
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

// Limits implements Model.
func (t *Timed) Limits() timeouts.Value { return t.Timeouts }
