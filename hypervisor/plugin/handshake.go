package plugin

import (
	"context"
	"errors"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/plugin/driverpb"
)

// handshake tells a program that it was started as a driver, and by whom it can
// be understood: the version changes when driverpb does incompatibly.
var handshake = goplugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "CLOUDLET_DRIVER_PLUGIN",
	MagicCookieValue: "7f1c1b0e9d3a4c52",
}

// lifelineEnv names the file descriptor whose end is the program's end.
const lifelineEnv = "CLOUDLET_DRIVER_LIFELINE"

// service is the name of what the program serves.
const service = "driver"

// glue is go-plugin's view of the driver: Serve's end has one, Open's has none.
type glue struct {
	goplugin.NetRPCUnsupportedPlugin
	driver hypervisor.Driver
}

// GRPCServer implements goplugin.GRPCPlugin.
func (g *glue) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	if g.driver == nil {
		return errors.New("no driver to serve")
	}
	driverpb.RegisterDriverServer(s, &server{driver: g.driver})
	return nil
}

// GRPCClient implements goplugin.GRPCPlugin.
func (*glue) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return driverpb.NewDriverClient(c), nil
}
