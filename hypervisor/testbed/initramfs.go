package testbed

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"embed"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed guest
var guestFiles embed.FS

// guestModules are the kernel modules that the guest needs, with those they
// depend on: its devices, config drives, the power button.
var guestModules = []string{"virtio_pci", "virtio_blk", "virtio_net", "virtio-rng", "isofs", "button", "evdev"}

// libraryDirs are where Debian keeps shared libraries.
var libraryDirs = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib"}

// initramfs makes the guest's root file system of this machine's packages and
// the files in guest/.
func initramfs(ctx context.Context, kernel string) ([]byte, error) {
	var a archive
	for _, d := range []string{"dev", "proc", "sys", "run", "tmp", "mnt", "www", "var/log", "etc/dropbear"} {
		a.dir(d, 0o755)
	}
	a.dir("root", 0o700)
	a.dir("root/.ssh", 0o700)
	a.file("etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/bin/sh\n"))
	a.file("etc/group", 0o644, []byte("root:x:0:\n"))
	a.file("etc/shadow", 0o600, []byte("root:*:1:0:99999:7:::\n"))
	a.file("etc/shells", 0o644, []byte("/bin/sh\n"))
	for name, at := range map[string]string{
		"init": "init", "nics": "sbin/nics", "dhcp-event": "sbin/dhcp-event", "power": "etc/acpi/PWRF/00000080",
	} {
		data, err := guestFiles.ReadFile("guest/" + name)
		if err != nil {
			return nil, err
		}
		a.file(at, 0o755, data)
	}
	if err := addBusybox(ctx, &a); err != nil {
		return nil, err
	}
	if err := addProgram(&a, "/usr/sbin/dropbear", "sbin/dropbear"); err != nil {
		return nil, err
	}
	if err := addModules(&a, kernel); err != nil {
		return nil, err
	}
	return a.bytes(), nil
}

func addBusybox(ctx context.Context, a *archive) error {
	data, err := os.ReadFile("/bin/busybox")
	if err != nil {
		return fmt.Errorf("%w (package busybox-static)", err)
	}
	a.file("bin/busybox", 0o755, data)
	out, err := exec.CommandContext(ctx, "/bin/busybox", "--list").Output()
	if err != nil {
		return fmt.Errorf("busybox --list: %w", err)
	}
	for _, applet := range strings.Fields(string(out)) {
		a.symlink("bin/"+applet, "busybox")
	}
	return nil
}

// addProgram adds a program with the libraries that it is linked to.
func addProgram(a *archive, from, to string) error {
	queue := map[string]string{to: from}
	for len(queue) > 0 {
		next := map[string]string{}
		for _, to := range slices.Sorted(maps.Keys(queue)) {
			data, err := os.ReadFile(queue[to])
			if err != nil {
				return err
			}
			a.file(to, 0o755, data)
			f, err := elf.NewFile(bytes.NewReader(data))
			if err != nil {
				return fmt.Errorf("%s: %w", queue[to], err)
			}
			libs, err := f.ImportedLibraries()
			if err != nil {
				return fmt.Errorf("%s: %w", queue[to], err)
			}
			for _, lib := range append(libs, "ld-linux-x86-64.so.2") {
				if !a.seen["lib64/"+lib] && to != "lib64/"+lib {
					if next["lib64/"+lib], err = findLibrary(lib); err != nil {
						return err
					}
				}
			}
		}
		queue = next
	}
	a.symlink("lib/x86_64-linux-gnu", "../lib64")
	return nil
}

func findLibrary(name string) (string, error) {
	for _, dir := range libraryDirs {
		if p := filepath.Join(dir, name); exists(p) {
			return p, nil
		}
	}
	return "", fmt.Errorf("library %s is not in %s", name, strings.Join(libraryDirs, ", "))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// addModules adds the modules under names that sort in the order of loading.
func addModules(a *archive, kernel string) error {
	dir := filepath.Join("/lib/modules", kernel)
	deps, err := moduleDeps(filepath.Join(dir, "modules.dep"))
	if err != nil {
		return err
	}
	var order []string
	for _, name := range guestModules {
		path, ok := findModule(deps, name)
		if !ok {
			return fmt.Errorf("kernel %s has no module %s", kernel, name)
		}
		// modules.dep names what must be there first last.
		for _, p := range slices.Backward(append([]string{path}, deps[path]...)) {
			if !slices.Contains(order, p) {
				order = append(order, p)
			}
		}
	}
	for i, p := range order {
		data, err := os.ReadFile(filepath.Join(dir, p))
		if err != nil {
			return err
		}
		a.file(fmt.Sprintf("modules/%02d-%s", i, filepath.Base(p)), 0o644, data)
	}
	return nil
}

func findModule(deps map[string][]string, name string) (string, bool) {
	for path := range deps {
		if strings.TrimSuffix(filepath.Base(path), ".ko") == name {
			return path, true
		}
	}
	return "", false
}

// moduleDeps reads modules.dep: "path: path path".
func moduleDeps(file string) (map[string][]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	deps := map[string][]string{}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if path, rest, ok := strings.Cut(s.Text(), ":"); ok {
			deps[path] = strings.Fields(rest)
		}
	}
	return deps, s.Err()
}
