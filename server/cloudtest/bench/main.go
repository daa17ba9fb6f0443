// Command bench measures Cloudlet end to end, as its users meet it: a cloudlet
// dev of its own on the simulated driver, over HTTP and through Terraform. 'make
// bench' runs it after the Go benchmarks.
//
// Every figure stands beside a floor or peer that is measured in the same run, so
// that figures of different machines can be compared by their ratio. It changes
// nothing outside of a temporary directory, speaks to loopback only, and ends by
// itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"time"
)

// figure is one line of the table.
type figure struct {
	name        string
	value       string
	must        string
	ok          bool
	floor       string // what it is compared with
	ratio       float64
	withoutPeer bool
}

// bench is one run.
type bench struct {
	ctx  context.Context
	bin  string // directory of our programs
	dir  string
	rows []figure
}

func main() {
	bin := flag.String("bin", "bin", "`directory` of the built programs")
	only := flag.String("only", "", "run only one of startup, api, identity, image, terraform, qemu")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	if err := run(ctx, *bin, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, only string) error {
	abs, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "cloudlet-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{ctx: ctx, bin: abs, dir: dir}
	defer b.print()
	for _, step := range []struct {
		name string
		run  func() error
	}{{"startup", b.startup}, {"api", b.api}, {"identity", b.identity}, {"image", b.images}, {"terraform", b.terraform}, {"qemu", b.qemu}} {
		if only != "" && only != step.name {
			continue
		}
		if err := step.run(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// add notes a duration beside what it is compared with. must 0: there is no bound.
func (b *bench) add(name string, d, must time.Duration, floor string, floorTime time.Duration) {
	f := figure{name: name, value: d.Round(10 * time.Microsecond).String(), ok: must == 0 || d <= must, floor: floor + " " + floorTime.Round(time.Microsecond).String(), ratio: float64(d) / float64(floorTime)}
	if must > 0 {
		f.must = "≤ " + must.Round(10*time.Microsecond).String()
	}
	b.rows = append(b.rows, f)
}

func (b *bench) addRatio(name string, d, peer time.Duration, most float64, peerName string) {
	r := float64(d) / float64(peer)
	b.rows = append(b.rows, figure{name: name, value: d.Round(time.Millisecond).String(), must: fmt.Sprintf("≤ %.0f ×", most), ok: r <= most,
		floor: peerName + " " + peer.Round(time.Millisecond).String(), ratio: r})
}

// addSpeed notes how fast bytes go, which must be a part of the peer's speed.
func (b *bench) addSpeed(name string, bytes int64, d, peer time.Duration, least float64, peerName string) {
	speed := func(d time.Duration) string { return fmt.Sprintf("%.0f MB/s", float64(bytes)/1e6/d.Seconds()) }
	r := float64(peer) / float64(d)
	b.rows = append(b.rows, figure{name: name, value: speed(d), must: fmt.Sprintf("≥ %.1f ×", least), ok: r >= least, floor: peerName + " " + speed(peer), ratio: r})
}

func (b *bench) addSize(name string, bytes, most int64) {
	b.rows = append(b.rows, figure{name: name, value: fmt.Sprintf("%d MB", bytes/1e6), must: fmt.Sprintf("≤ %d MB", most/1e6), ok: bytes <= most, withoutPeer: true})
}

func (b *bench) print() {
	fmt.Printf("\n| figure | measured | must | | compared with | ratio |\n|---|---|---|---|---|---|\n")
	for _, r := range b.rows {
		verdict := "ok"
		if !r.ok {
			verdict = "MISSED"
		}
		ratio := fmt.Sprintf("%.*f ×", decimals(r.ratio), r.ratio)
		if r.withoutPeer {
			ratio = ""
		}
		fmt.Printf("| %s | %s | %s | %s | %s | %s |\n", r.name, r.value, r.must, verdict, r.floor, ratio)
	}
}

// decimals are those that matter of a ratio.
func decimals(ratio float64) int {
	switch {
	case ratio < 2:
		return 2
	case ratio < 10:
		return 1
	}
	return 0
}

// median runs f n times and returns the median of its times.
func median(n int, f func() error) (time.Duration, error) {
	times := make([]time.Duration, 0, n)
	for range n {
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(start))
	}
	return middle(times), nil
}

func middle(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

// fsyncFloor is the median time of a synced write of 4 KiB.
func (b *bench) fsyncFloor() (time.Duration, error) {
	f, err := os.Create(filepath.Join(b.dir, "fsync"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	buf := make([]byte, 4096)
	return median(100, func() error {
		if _, err := f.Write(buf); err != nil {
			return err
		}
		return f.Sync()
	})
}

func (b *bench) program(name string) string { return filepath.Join(b.bin, name) }

func look(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}
