package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor/testbed"
)

const qemuRounds = 5

// qemu measures from the call that creates a server to its guest running on real
// libvirt, against virsh create of an equal domain on the same host. It needs root.
func (b *bench) qemu() error {
	if err := testbed.Missing(); err != nil {
		fmt.Println("figures on libvirt are left out:", err)
		return nil
	}
	bed, err := testbed.Up(b.ctx, testbed.Options{Dir: filepath.Join(b.dir, "bed"), Hosts: 1})
	if err != nil {
		return err
	}
	defer func() { _ = bed.Down(b.ctx) }()
	host := bed.Hosts[0]
	c, err := b.startServer("libvirt")
	if err != nil {
		return err
	}
	defer c.Stop()
	agent := host.Command(b.ctx, b.program("cloudlet"), "agent", "-driver", "libvirt", "-server", filepath.Join(c.dir, "agent.sock"), "-data-dir", filepath.Join(b.dir, "agent"), "-log-level", "error")
	agent.Stderr = os.Stderr
	if err := agent.Start(); err != nil {
		return err
	}
	defer func() {
		_ = agent.Process.Signal(syscall.SIGTERM)
		_ = agent.Wait()
	}()
	w, err := b.guestWorld(c)
	if err != nil {
		return err
	}
	first, err := b.firstGuest(c, w)
	if err != nil {
		return err
	}
	peers, err := b.peer(host)
	if err != nil {
		return err
	}
	if err := c.remove(first); err != nil {
		return err
	}
	var ours, theirs []time.Duration
	for n := range qemuRounds { // in turn, each alone on the host
		start := time.Now()
		id, err := c.createID(w, fmt.Sprintf("qemu-%d", n))
		if err != nil {
			return err
		}
		ours = append(ours, time.Since(start))
		if err := c.remove(id); err != nil {
			return err
		}
		d, err := peers(n)
		if err != nil {
			return err
		}
		theirs = append(theirs, d)
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	d, peer := ours[qemuRounds/2], theirs[qemuRounds/2]
	b.addRatio("create call → guest running on libvirt", d, peer, 2, "virsh create of an equal domain")
	return nil
}

// guestWorld is prepare with an image that boots.
func (b *bench) guestWorld(c *cloud) (world, error) {
	if err := c.Login(); err != nil {
		return world{}, err
	}
	w, err := c.prepare()
	if err != nil {
		return w, err
	}
	file := filepath.Join(b.dir, "guest.qcow2")
	if err := testbed.BuildImage(b.ctx, file); err != nil {
		return w, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return w, err
	}
	var img struct{ ID string }
	if _, err := c.call("POST", "/image/v2/images", map[string]any{"name": "guest", "disk_format": "qcow2", "container_format": "bare"}, &img); err != nil {
		return w, err
	}
	if err := c.Upload(img.ID, bytes.NewReader(data), int64(len(data))); err != nil {
		return w, err
	}
	w.image = img.ID
	return w, nil
}

// firstGuest waits until the host is there, and has it fetch the image.
func (b *bench) firstGuest(c *cloud, w world) (id string, err error) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if id, err = c.createID(w, "first"); err == nil || !strings.Contains(err.Error(), "host") {
			return id, err
		}
	}
	return "", err
}

var (
	oneOfItsOwn = regexp.MustCompile(`(?s)<uuid>.*?</uuid>|<metadata>.*?</metadata>|<sysinfo.*?</sysinfo>|<smbios[^>]*/>|<alias [^>]*/>`)
	name        = regexp.MustCompile(`<name>(.*?)</name>`)
	disk        = regexp.MustCompile(`<source file='([^']*disk\.qcow2)'[^>]*/>`)
	tap         = regexp.MustCompile(`<target dev='(?:[^'v]|v[^d])[^']*' managed='no'/>`)
	mac         = regexp.MustCompile(`<mac address='[^']*'/>`)
	consoleLog  = regexp.MustCompile(`<log file='[^']*'[^>]*/>`)
)

// peer takes the definition of a guest that Cloudlet made. It returns what has
// virsh create the same with another name, disk and tap, and take it away.
func (b *bench) peer(host *testbed.Host) (func(n int) (time.Duration, error), error) {
	virsh := func(args ...string) (string, error) {
		cmd := host.Command(b.ctx, "virsh", append([]string{"-q"}, args...)...)
		out, err := cmd.Output()
		if ee, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("virsh %v: %w: %s", args, err, ee.Stderr)
		}
		return string(out), err
	}
	list, err := virsh("list", "--name")
	if err != nil {
		return nil, err
	}
	first := strings.Fields(list)[0]
	model, err := virsh("dumpxml", "--inactive", first)
	if err != nil {
		return nil, err
	}
	source := disk.FindStringSubmatch(model)
	if source == nil {
		return nil, errors.New("the domain has no disk")
	}
	info, err := exec.CommandContext(b.ctx, "qemu-img", "info", "-U", "--output=json", source[1]).Output()
	if err != nil {
		return nil, err
	}
	base := regexp.MustCompile(`"full-backing-filename": "([^"]*)"`).FindSubmatch(info)
	if base == nil {
		return nil, errors.New("the disk is no overlay")
	}
	return func(n int) (time.Duration, error) {
		own, overlay, dev := fmt.Sprintf("peer-%d", n), filepath.Join(b.dir, fmt.Sprintf("peer-%d.qcow2", n)), fmt.Sprintf("peer%d", n)
		xml := oneOfItsOwn.ReplaceAllString(model, "")
		xml = name.ReplaceAllString(xml, "<name>"+own+"</name>")
		xml = disk.ReplaceAllString(xml, "<source file='"+overlay+"'/>")
		xml = mac.ReplaceAllString(xml, fmt.Sprintf("<mac address='52:54:00:00:00:%02x'/>", n))
		xml = tap.ReplaceAllString(xml, "<target dev='"+dev+"' managed='no'/>")
		xml = consoleLog.ReplaceAllString(xml, "")
		file := filepath.Join(b.dir, own+".xml")
		if err := os.WriteFile(file, []byte(xml), 0o644); err != nil {
			return 0, err
		}
		if out, err := exec.CommandContext(b.ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", string(base[1]), overlay).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("qemu-img: %w: %s", err, out)
		}
		if out, err := host.Command(b.ctx, "ip", "tuntap", "add", "dev", dev, "mode", "tap").CombinedOutput(); err != nil {
			return 0, fmt.Errorf("ip tuntap: %w: %s", err, out)
		}
		start := time.Now()
		if _, err := virsh("create", file); err != nil {
			return 0, err
		}
		d := time.Since(start)
		_, err := virsh("destroy", own)
		return d, err
	}, nil
}
