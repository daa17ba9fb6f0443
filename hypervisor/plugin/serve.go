package plugin

import (
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// Serve serves d to the client that started this program, and returns when the
// client closes; d is closed then. A program that was not started by Open says
// so and exits. If the client dies the program exits at once. The program writes
// nothing to standard output before it calls Serve.
func Serve(d hypervisor.Driver) {
	if fd, err := strconv.Atoi(os.Getenv(lifelineEnv)); err == nil {
		go heedLifeline(fd)
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: handshake,
		Plugins:         goplugin.PluginSet{service: &glue{driver: d}},
		GRPCServer:      goplugin.DefaultGRPCServer,
		Logger:          hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: os.Stderr, JSONFormat: true}),
	})
	if err := d.Close(); err != nil {
		slog.Error("closing the driver", "err", err)
	}
}

// heedLifeline ends the program when the client has gone. A driver is safe to
// kill, so nothing is closed.
func heedLifeline(fd int) {
	syscall.CloseOnExec(fd)
	_, _ = io.Copy(io.Discard, os.NewFile(uintptr(fd), "lifeline"))
	if dir := os.Getenv(goplugin.EnvUnixSocketDir); dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(0)
}

// NewLog returns a logger for the program's main, made before Serve: what it logs
// comes to Options.Log of the client, at its level.
func NewLog() *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) > 0 {
				return a
			}
			switch a.Key {
			case slog.TimeKey:
				return slog.String("@timestamp", a.Value.Time().Format(hclog.TimeFormatJSON))
			case slog.LevelKey:
				return slog.String("@level", strings.ToLower(a.Value.String()))
			case slog.MessageKey:
				return slog.String("@message", a.Value.String())
			}
			return a
		},
	}))
}
