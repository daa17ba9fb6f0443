package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	defer c.stop()
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
	if err := b.firstGuest(c, w); err != nil {
		return err
	}
	n := 0
	d, err := median(qemuRounds, func() error {
		n++
		return c.create(w, fmt.Sprintf("qemu-%d", n))
	})
	if err != nil {
		return err
	}
	peer, err := b.virshCreate(host)
	if err != nil {
		return err
	}
	b.addRatio("create call → guest running on libvirt", d, peer, 2, "virsh create of an equal domain")
	return nil
}

// guestWorld is prepare with an image that boots.
func (b *bench) guestWorld(c *cloud) (world, error) {
	if err := c.login(); err != nil {
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
	req, err := http.NewRequest("PUT", c.url+"/image/v2/images/"+img.ID+"/file", bytes.NewReader(data))
	if err != nil {
		return w, err
	}
	req.Header.Set("X-Auth-Token", c.token)
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return w, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(resp.Body)
		return w, fmt.Errorf("upload: %s: %s", resp.Status, text)
	}
	w.image = img.ID
	return w, nil
}

// firstGuest waits until the host is there, and has it fetch the image.
func (b *bench) firstGuest(c *cloud, w world) error {
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if err = c.create(w, "first"); err == nil || !strings.Contains(err.Error(), "host") {
			return err
		}
	}
	return err
}

var (
	oneOfItsOwn = regexp.MustCompile(`(?s)<uuid>.*?</uuid>|<metadata>.*?</metadata>|<sysinfo.*?</sysinfo>|<smbios[^>]*/>|<alias [^>]*/>`)
	name        = regexp.MustCompile(`<name>(.*?)</name>`)
	disk        = regexp.MustCompile(`<source file='([^']*disk\.qcow2)'[^>]*/>`)
	tap         = regexp.MustCompile(`<target dev='(?:[^'v]|v[^d])[^']*' managed='no'/>`)
	mac         = regexp.MustCompile(`<mac address='[^']*'/>`)
	consoleLog  = regexp.MustCompile(`<log file='[^']*'[^>]*/>`)
)

// virshCreate takes the definition of a guest that Cloudlet made and has virsh
// create the same with another name, disk and tap.
func (b *bench) virshCreate(host *testbed.Host) (time.Duration, error) {
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
		return 0, err
	}
	first := strings.Fields(list)[0]
	model, err := virsh("dumpxml", "--inactive", first)
	if err != nil {
		return 0, err
	}
	source := disk.FindStringSubmatch(model)
	if source == nil {
		return 0, errors.New("the domain has no disk")
	}
	info, err := exec.CommandContext(b.ctx, "qemu-img", "info", "-U", "--output=json", source[1]).Output()
	if err != nil {
		return 0, err
	}
	base := regexp.MustCompile(`"full-backing-filename": "([^"]*)"`).FindSubmatch(info)
	if base == nil {
		return 0, errors.New("the disk is no overlay")
	}
	n := 0
	return median(qemuRounds, func() error {
		n++
		own, overlay, dev := fmt.Sprintf("peer-%d", n), filepath.Join(b.dir, fmt.Sprintf("peer-%d.qcow2", n)), fmt.Sprintf("peer%d", n)
		xml := oneOfItsOwn.ReplaceAllString(model, "")
		xml = name.ReplaceAllString(xml, "<name>"+own+"</name>")
		xml = disk.ReplaceAllString(xml, "<source file='"+overlay+"'/>")
		xml = mac.ReplaceAllString(xml, fmt.Sprintf("<mac address='52:54:00:00:00:%02x'/>", n))
		xml = tap.ReplaceAllString(xml, "<target dev='"+dev+"' managed='no'/>")
		xml = consoleLog.ReplaceAllString(xml, "")
		file := filepath.Join(b.dir, own+".xml")
		if err := os.WriteFile(file, []byte(xml), 0o644); err != nil {
			return err
		}
		if out, err := exec.CommandContext(b.ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", string(base[1]), overlay).CombinedOutput(); err != nil {
			return fmt.Errorf("qemu-img: %w: %s", err, out)
		}
		if out, err := host.Command(b.ctx, "ip", "tuntap", "add", "dev", dev, "mode", "tap").CombinedOutput(); err != nil {
			return fmt.Errorf("ip tuntap: %w: %s", err, out)
		}
		_, err := virsh("create", file)
		return err
	})
}
