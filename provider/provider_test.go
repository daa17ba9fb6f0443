package provider_test

import (
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	framework "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/cloudlet/cloudlet/provider"
)

// names returns the type names of the provider's resources, data sources and
// ephemeral resources.
func names(t *testing.T) (resources, sources, ephemerals []string) {
	t.Helper()
	p := provider.New("test")()
	for _, make := range p.Resources(t.Context()) {
		var m resource.MetadataResponse
		make().Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: "cloudlet"}, &m)
		resources = append(resources, m.TypeName)
	}
	for _, make := range p.DataSources(t.Context()) {
		var m datasource.MetadataResponse
		make().Metadata(t.Context(), datasource.MetadataRequest{ProviderTypeName: "cloudlet"}, &m)
		sources = append(sources, m.TypeName)
	}
	for _, make := range p.(framework.ProviderWithEphemeralResources).EphemeralResources(t.Context()) {
		var m ephemeral.MetadataResponse
		make().Metadata(t.Context(), ephemeral.MetadataRequest{ProviderTypeName: "cloudlet"}, &m)
		ephemerals = append(ephemerals, m.TypeName)
	}
	return resources, sources, ephemerals
}

// TestSchemas has the framework find what is wrong with a schema, and demands
// what every resource of ours has.
func TestSchemas(t *testing.T) {
	for _, make := range provider.New("test")().Resources(t.Context()) {
		r := make()
		var m resource.MetadataResponse
		r.Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: "cloudlet"}, &m)
		var s resource.SchemaResponse
		r.Schema(t.Context(), resource.SchemaRequest{}, &s)
		if d := s.Schema.ValidateImplementation(t.Context()); d.HasError() {
			t.Errorf("%s: %v", m.TypeName, d)
		}
		if _, ok := s.Schema.Blocks["timeouts"]; !ok {
			t.Errorf("%s has no timeouts", m.TypeName)
		}
		for name, a := range s.Schema.Attributes {
			if a.GetMarkdownDescription() == "" {
				t.Errorf("%s.%s is not described", m.TypeName, name)
			}
		}
		if _, ok := r.(resource.ResourceWithImportState); !ok {
			t.Errorf("%s cannot be imported", m.TypeName)
		}
		if _, ok := r.(resource.ResourceWithIdentity); !ok {
			t.Errorf("%s has no resource identity", m.TypeName)
		}
		if _, ok := r.(resource.ResourceWithModifyPlan); !ok {
			t.Errorf("%s is not checked when it is planned", m.TypeName)
		}
	}
	for _, make := range provider.New("test")().(framework.ProviderWithEphemeralResources).EphemeralResources(t.Context()) {
		e := make()
		var s ephemeral.SchemaResponse
		e.Schema(t.Context(), ephemeral.SchemaRequest{}, &s)
		if d := s.Schema.ValidateImplementation(t.Context()); d.HasError() {
			t.Errorf("%T: %v", e, d)
		}
		for name, a := range s.Schema.Attributes {
			if a.GetMarkdownDescription() == "" {
				t.Errorf("%T: %s is not described", e, name)
			}
		}
	}
	resources, sources, ephemerals := names(t)
	if !slices.IsSorted(resources) || !slices.IsSorted(sources) || !slices.IsSorted(ephemerals) {
		t.Errorf("not in order: %v, %v, %v", resources, sources, ephemerals)
	}
}
