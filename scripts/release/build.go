package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"homeward/configs/release"
)

// target is a platform by Go's words.
type target struct {
	os, arch, arm string // arm is GOARM
	deb, rpm      string // what packages call the architecture; empty: no package
	image         bool   // it is in the container image
}

// targets are all platforms. Others than Linux are rootless only. Raspberry Pi
// OS calls ARMv6 armhf, as Debian does with ARMv7, so that package has the
// program that runs on both.
var targets = []target{
	{os: "linux", arch: "amd64", deb: "amd64", rpm: "x86_64", image: true},
	{os: "linux", arch: "arm64", deb: "arm64", rpm: "aarch64", image: true},
	{os: "linux", arch: "arm", arm: "7", rpm: "armv7hl", image: true},
	{os: "linux", arch: "arm", arm: "6", deb: "armhf", image: true},
	{os: "linux", arch: "386", deb: "i386", image: true},
	{os: "linux", arch: "riscv64", deb: "riscv64", rpm: "riscv64", image: true},
	{os: "darwin", arch: "amd64"},
	{os: "darwin", arch: "arm64"},
	{os: "freebsd", arch: "amd64"},
	{os: "freebsd", arch: "arm64"},
	{os: "windows", arch: "amd64"},
	{os: "windows", arch: "arm64"},
}

func (t target) platform() string { return release.PlatformOf(t.os, t.arch, t.arm) }

func (t target) fileName() string {
	name := "homeward-" + t.platform()
	if t.os == "windows" {
		name += ".exe"
	}
	return name
}

func parseTargets(list string) ([]target, error) {
	if list == "" {
		return targets, nil
	}
	var chosen []target
	for _, name := range strings.Split(list, ",") {
		i := slices.IndexFunc(targets, func(t target) bool { return t.platform() == name })
		if i < 0 {
			var known []string
			for _, t := range targets {
				known = append(known, t.platform())
			}
			return nil, fmt.Errorf("there is no target %q: there are %s", name, strings.Join(known, ", "))
		}
		chosen = append(chosen, targets[i])
	}
	return chosen, nil
}

// build makes the programs. Neither the folder nor the clock nor the machine's
// own settings of Go come into them.
func (j *job) build(ctx context.Context) ([]program, error) {
	var keys []string
	for _, k := range j.trusted {
		keys = append(keys, release.FormatKey(k))
	}
	flags := fmt.Sprintf("-s -w -buildid= -X main.version=%s -X main.updateKeys=%s -X main.updateFrom=%s", j.version, strings.Join(keys, ","), j.from)
	var list []program
	for _, t := range j.targets {
		j.say("building for %s", t.platform())
		p := program{t, filepath.Join(j.out, t.fileName())}
		env := []string{"CGO_ENABLED=0", "GOOS=" + t.os, "GOARCH=" + t.arch, "GOARM=" + t.arm, "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off", "GOAMD64=v1", "GO386=sse2", "GOARM64=", "GORISCV64="}
		if _, err := output(ctx, j.src, env, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", p.path, "./cmd/homeward"); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}
