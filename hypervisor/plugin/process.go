package plugin

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	goplugin "github.com/hashicorp/go-plugin"

	"github.com/cloudlet/cloudlet/hypervisor/plugin/driverpb"
)

const (
	startLimit = 20 * time.Second // for a program to say that it serves
	endLimit   = time.Second      // for a program to end when told to
)

// process is one run of the program.
type process struct {
	ready chan struct{} // closed when it serves, or failed to; what follows is set then
	err   error
	rpc   driverpb.DriverClient

	plugin   *goplugin.Client
	cmd      *exec.Cmd
	lifeline *os.File // the program exits when this is closed
	dir      *os.File // of its socket, see makeDir
}

// start starts a run; its ready tells how that ended.
func start(o Options) *process {
	p := &process{ready: make(chan struct{})}
	go func() {
		defer close(p.ready)
		p.err = p.launch(o)
	}()
	return p
}

func (p *process) launch(o Options) error {
	dir, err := makeDir()
	if err != nil {
		return err
	}
	p.dir = dir
	theirs, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirs.Close()
	p.lifeline = ours

	p.cmd = exec.Command(o.Path, o.Args...)
	p.cmd.ExtraFiles = []*os.File{theirs} // descriptor 3 of the program
	p.cmd.Env = append(os.Environ(), o.Env...)
	p.cmd.Env = append(p.cmd.Env, lifelineEnv+"=3", goplugin.EnvUnixSocketDir+"="+dir.Name())
	// A Ctrl-C at the terminal is for this process, which then closes the driver.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.plugin = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  handshake,
		Plugins:          goplugin.PluginSet{service: &glue{}},
		Cmd:              p.cmd,
		SkipHostEnv:      true, // it is in Cmd.Env, where Options.Env comes last
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		StartTimeout:     startLimit,
		Stderr:           o.Stderr,
		Logger:           newHCLog(o.Log),
	})
	conn, err := p.plugin.Client()
	if err != nil {
		return err
	}
	raw, err := conn.Dispense(service)
	if err != nil {
		return err
	}
	rpc, ok := raw.(driverpb.DriverClient)
	if !ok {
		return fmt.Errorf("the program serves %T", raw)
	}
	p.rpc = rpc
	return nil
}

// exited tells whether a run that was ready has ended.
func (p *process) exited() bool {
	select {
	case <-p.ready:
		return p.err == nil && p.plugin.Exited()
	default:
		return false
	}
}

// end ends the run and returns when nothing of it is left. It is called once.
func (p *process) end() {
	<-p.ready
	if p.plugin != nil {
		overdue := time.AfterFunc(endLimit, p.kill)
		if p.err != nil {
			p.kill()
		}
		p.plugin.Kill() // asks first, and waits
		overdue.Stop()
	}
	if p.lifeline != nil {
		p.lifeline.Close()
	}
	if p.dir != nil {
		os.RemoveAll(p.dir.Name())
		p.dir.Close()
	}
}

// kill kills the run's own process, if it is there still.
func (p *process) kill() {
	if p.cmd.Process != nil {
		_ = p.cmd.Process.Kill()
	}
}

// killed tells whether a signal ended the run. It is called after end.
func (p *process) killed() bool {
	if p.cmd == nil || p.cmd.ProcessState == nil {
		return false
	}
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
}
