package testbed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A Host is one host of a testbed.
type Host struct {
	Name string // host1, host2, …: its host name
	// Dir holds what is private to the host: the directories run, lib, etc, log and
	// cache of its libvirt.
	Dir string
	// Addr is its address on the underlay.
	Addr netip.Addr

	bed    *Testbed
	number int
}

func newHost(t *Testbed, number int) *Host {
	base := UnderlayNet.Addr().As4()
	base[3] = byte(number)
	name := "host" + strconv.Itoa(number)
	return &Host{Name: name, Dir: filepath.Join(t.Dir, name), Addr: netip.AddrFrom4(base), bed: t, number: number}
}

// Command is a command that runs in the host.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "nsenter", append(h.enter(), append([]string{name}, args...)...)...)
}

// enter are the arguments of nsenter before the command's name.
func (h *Host) enter() []string {
	return []string{"--net=" + h.space("net"), "--uts=" + h.space("uts"), "--mount=" + h.space("mnt"), "--"}
}

// URI is by which libvirt clients outside of the host reach its libvirtd. In
// the host it is qemu:///system.
func (h *Host) URI() string {
	return "qemu+unix:///system?socket=" + url.QueryEscape(filepath.Join(h.Dir, "run", "libvirt-sock"))
}

// Reboot cuts off all that runs in the host and starts its libvirtd again. What
// libvirt keeps on disk is still there.
func (h *Host) Reboot(ctx context.Context) error {
	unlock, err := lock(h.bed.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := h.halt(ctx); err != nil {
		return err
	}
	return h.up(ctx)
}

// LibvirtdPID is its libvirtd's process, 0 if it does not run.
func (h *Host) LibvirtdPID() int {
	data, err := os.ReadFile(h.pidFile())
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	// The number may be another process's by now.
	if err != nil || pid < 2 || !inSpace(pid, []string{h.space("uts")}) {
		return 0
	}
	return pid
}

// KillLibvirtd kills it the hard way, if it runs. Guests run on.
func (h *Host) KillLibvirtd(ctx context.Context) error {
	pid := h.LibvirtdPID()
	if pid == 0 {
		return nil
	}
	return killPID(ctx, pid)
}

// StartLibvirtd starts it unless it runs. It answers, or is about to, when
// StartLibvirtd returns.
func (h *Host) StartLibvirtd(ctx context.Context) error {
	if h.LibvirtdPID() != 0 {
		return nil
	}
	return h.background(ctx, "libvirtd", "--daemon", "--pid-file", h.pidFile(), "--config", "/etc/libvirt/libvirtd.conf")
}

func (h *Host) pidFile() string { return filepath.Join(h.Dir, "libvirtd.pid") }

// space is the file that holds the host's namespace of the kind.
func (h *Host) space(kind string) string {
	return filepath.Join(h.bed.Dir, "ns", h.Name+"."+kind)
}

func (h *Host) spaces() []string {
	return []string{h.space("mnt"), h.space("net"), h.space("uts")}
}

func (h *Host) up(ctx context.Context) error {
	ready := h.space("ready")
	if !exists(ready) {
		if err := h.halt(ctx); err != nil {
			return err
		}
		for _, step := range []func(context.Context) error{h.writeFiles, h.makeSpaces, h.plug} {
			if err := step(ctx); err != nil {
				return fmt.Errorf("%s: %w", h.Name, err)
			}
		}
		if err := os.WriteFile(ready, nil, 0o600); err != nil {
			return err
		}
	}
	return h.StartLibvirtd(ctx)
}

// halt ends all that runs in the host and takes its namespaces away.
func (h *Host) halt(ctx context.Context) error {
	if err := os.Remove(h.space("ready")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := killAll(ctx, h.spaces()); err != nil {
		return err
	}
	for _, dev := range []string{"u", "p"} {
		// They go with the host's namespace, but not at once.
		_ = tool(ctx, "nsenter", "--net="+h.bed.outside(), "ip", "link", "delete", "dev", dev+strconv.Itoa(h.number))
	}
	for _, file := range h.spaces() {
		if err := release(file); err != nil {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(h.Dir, "run"))
}

// private are libvirt's directories on a machine, by their names in Host.Dir.
var private = map[string]string{
	"lib": "/var/lib/libvirt", "log": "/var/log/libvirt", "cache": "/var/cache/libvirt", "etc": "/etc/libvirt",
}

func (h *Host) writeFiles(context.Context) error {
	for name := range private {
		if err := os.MkdirAll(filepath.Join(h.Dir, name), 0o755); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(h.Dir, "run"), 0o755); err != nil {
		return err
	}
	hosts := "127.0.0.1 localhost\n::1 localhost\n"
	for _, other := range h.bed.Hosts {
		hosts += fmt.Sprintf("%s %s\n", other.Addr, other.Name)
	}
	for name, text := range map[string]string{
		"hosts":             hosts,
		"etc/libvirtd.conf": fmt.Sprintf(libvirtdConf, hostUUID(h)),
		"etc/qemu.conf":     qemuConf,
		"etc/libvirt.conf":  "uri_default = \"qemu:///system\"\n",
	} {
		if err := os.WriteFile(filepath.Join(h.Dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// makeSpaces makes the host's namespaces, with its own directories in place.
func (h *Host) makeSpaces(ctx context.Context) error {
	script := []string{"set -e", "echo " + h.Name + " >/proc/sys/kernel/hostname"}
	bind := func(from, to string) { script = append(script, fmt.Sprintf("mount --bind %s %s", quote(from), to)) }
	for name, at := range private {
		if !exists(at) {
			return fmt.Errorf("no %s (package libvirt-daemon-system)", at)
		}
		bind(filepath.Join(h.Dir, name), at)
	}
	bind(filepath.Join(h.Dir, "hosts"), "/etc/hosts")
	script = append(script,
		// Other hosts' namespaces must not live on in this one's.
		"umount --recursive "+quote(filepath.Join(h.bed.Dir, "ns")),
		"mount -t sysfs sysfs /sys", // that of this network namespace
		"mount -t tmpfs -o mode=0755 tmpfs /run",
		"mkdir /run/libvirt /run/netns /run/lock")
	bind(filepath.Join(h.Dir, "run"), "/run/libvirt")
	for _, file := range h.spaces() {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			return err
		}
	}
	return tool(ctx, "unshare", "--propagation=private", "--net="+h.space("net"), "--uts="+h.space("uts"),
		"--mount="+h.space("mnt"), "sh", "-c", strings.Join(script, "\n"))
}

// plug joins the host to the networks outside.
func (h *Host) plug(ctx context.Context) error {
	n := strconv.Itoa(h.number)
	outside := h.bed.outside()
	err := ipBatch(ctx, h.space("net"),
		"link set lo up",
		"link add dev "+UnderlayDevice+" type veth peer name u"+n+" netns "+outside,
		"address add "+netip.PrefixFrom(h.Addr, UnderlayNet.Bits()).String()+" dev "+UnderlayDevice,
		"link set "+UnderlayDevice+" up",
		"link add dev "+PublicBridge+" type bridge mcast_snooping 0",
		"link set "+PublicBridge+" up",
		"link add dev public0 type veth peer name p"+n+" netns "+outside,
		"link set public0 master "+PublicBridge+" up")
	if err != nil {
		return err
	}
	return ipBatch(ctx, outside,
		"link set u"+n+" master underlay up",
		"link set p"+n+" master public up")
}

// libvirtdConf and qemuConf suit a host that is only namespaces: QEMU runs as
// root, without cgroups, and writes its log itself.
const libvirtdConf = `auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_group = "root"
host_uuid = "%s"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
`

const qemuConf = `user = "root"
group = "root"
dynamic_ownership = 0
security_driver = "none"
stdio_handler = "file"
namespaces = []
cgroup_controllers = []
max_core = 0
`

// quote makes s one word of a shell's.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// alive tells whether the process is there and has not ended.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	return rest != "" && rest[0] != 'Z'
}
