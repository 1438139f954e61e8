package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// nfpm's configuration, as far as it is used. nfpm reads YAML, of which JSON is
// a part.
type (
	nfpm struct {
		Name        string            `json:"name"`
		Arch        string            `json:"arch"`
		Platform    string            `json:"platform"`
		Version     string            `json:"version"`
		Release     string            `json:"release"`
		Section     string            `json:"section"`
		Priority    string            `json:"priority"`
		Maintainer  string            `json:"maintainer"`
		Description string            `json:"description"`
		License     string            `json:"license"`
		MTime       time.Time         `json:"mtime"`
		Contents    []content         `json:"contents"`
		Scripts     map[string]string `json:"scripts"`
		RPM         map[string]string `json:"rpm"`
	}
	content struct {
		Source   string   `json:"src,omitempty"`
		At       string   `json:"dst"`
		Type     string   `json:"type,omitempty"`
		Packager string   `json:"packager,omitempty"`
		Info     fileInfo `json:"file_info"`
	}
	fileInfo struct {
		Mode  uint32    `json:"mode"`
		MTime time.Time `json:"mtime"`
	}
)

// writePackages makes the .deb and .rpm files by nfpm, whose version is pinned
// in tools/go.mod: it has no part in homeward's own dependencies.
func (j *job) writePackages(ctx context.Context, programs []program) error {
	tool := filepath.Join(j.work, "nfpm")
	if _, err := output(ctx, filepath.Join(j.src, "scripts/release/tools"), []string{"GOFLAGS="}, "go", "build", "-o", tool, "github.com/goreleaser/nfpm/v2/cmd/nfpm"); err != nil {
		return err
	}
	if err := j.writeTexts(ctx); err != nil {
		return err
	}
	for _, p := range programs {
		for kind, arch := range map[string]string{"deb": p.deb, "rpm": p.rpm} {
			if arch == "" {
				continue
			}
			j.say("packing for %s (%s)", p.platform(), kind)
			if err := j.pack(ctx, tool, p, kind, arch); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *job) pack(ctx context.Context, tool string, p program, kind, arch string) error {
	config := nfpm{
		Name: "homeward", Arch: arch, Platform: "linux", Version: j.version, Release: "1", Section: "net", Priority: "optional",
		Maintainer: "homeward", License: "MIT", MTime: j.made,
		Description: "The way home, guarded: a WireGuard server for your house",
		Contents:    j.contents(p),
		Scripts:     map[string]string{},
		RPM:         map[string]string{"buildhost": "homeward", "group": "Applications/Internet"},
	}
	for _, name := range []string{"postinstall", "preremove", "postremove"} {
		config.Scripts[name] = filepath.Join(j.src, "scripts/release/package", name+".sh")
	}
	text, err := json.Marshal(config)
	if err != nil {
		return err
	}
	file := filepath.Join(j.work, "nfpm-"+p.platform()+"-"+kind+".yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	name := fmt.Sprintf("homeward_%s_%s.%s", strings.ReplaceAll(j.version, "+", "-"), arch, kind)
	_, err = output(ctx, j.work, []string{fmt.Sprint("SOURCE_DATE_EPOCH=", j.made.Unix())}, tool, "package", "--config", file, "--packager", kind, "--target", filepath.Join(j.out, name))
	return err
}

// contents is what lies where. The second unit is for a network interface.
func (j *job) contents(p program) []content {
	text := func(name string) string { return filepath.Join(j.work, "texts", name) }
	src := func(name string) string { return filepath.Join(j.src, name) }
	var list []content
	add := func(source, at, packager string, mode uint32) {
		list = append(list, content{Source: source, At: at, Packager: packager, Info: fileInfo{mode, j.made}})
	}
	add(p.path, "/usr/bin/homeward", "", 0o755)
	add(src("configs/systemd/homeward.service"), "/usr/lib/systemd/system/homeward.service", "", 0o644)
	add(text("homeward-tun.service"), "/usr/lib/systemd/system/homeward-tun.service", "", 0o644)
	add(src("configs/systemd/60-homeward.conf"), "/usr/share/homeward/60-homeward.conf", "", 0o644)
	add(src("configs/homeward.toml"), "/usr/share/doc/homeward/homeward.toml", "", 0o644)
	add(src("LICENSE"), "/usr/share/doc/homeward/copyright", "", 0o644)
	add(text("CHANGELOG.md.gz"), "/usr/share/doc/homeward/changelog.gz", "", 0o644)
	add(text("homeward.1.gz"), "/usr/share/man/man1/homeward.1.gz", "", 0o644)
	add(text("bash"), "/usr/share/bash-completion/completions/homeward", "", 0o644)
	add(text("fish"), "/usr/share/fish/vendor_completions.d/homeward.fish", "", 0o644)
	add(text("zsh"), "/usr/share/zsh/vendor-completions/_homeward", "deb", 0o644)
	add(text("zsh"), "/usr/share/zsh/site-functions/_homeward", "rpm", 0o644)
	return list
}

// writeTexts makes the files that are neither programs nor in the commit.
func (j *job) writeTexts(ctx context.Context) error {
	self := filepath.Join(j.work, "homeward")
	if _, err := output(ctx, j.src, []string{"CGO_ENABLED=0", "GOFLAGS="}, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-X main.version="+j.version, "-o", self, "./cmd/homeward"); err != nil {
		return err
	}
	texts := filepath.Join(j.work, "texts")
	if err := os.Mkdir(texts, 0o755); err != nil {
		return err
	}
	write := func(name string, data []byte) error { return os.WriteFile(filepath.Join(texts, name), data, 0o644) }
	page, err := output(ctx, j.work, []string{"HOME=/root", "XDG_CONFIG_HOME="}, self, "man")
	if err != nil {
		return err
	}
	if err := write("homeward.1.gz", zipped([]byte(page))); err != nil {
		return err
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := output(ctx, j.work, nil, self, "completion", shell)
		if err != nil {
			return err
		}
		if err := write(shell, []byte(script)); err != nil {
			return err
		}
	}
	changes, err := os.ReadFile(filepath.Join(j.src, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	if err := write("CHANGELOG.md.gz", zipped(changes)); err != nil {
		return err
	}
	unit, err := os.ReadFile(filepath.Join(j.src, "configs/systemd/homeward-tun.service"))
	if err != nil {
		return err
	}
	return write("homeward-tun.service", besideTheOther(unit))
}

// besideTheOther makes the unit with a network interface live beside the
// rootless one, with its settings of the kernel made only when it starts.
func besideTheOther(unit []byte) []byte {
	unit = bytes.Replace(unit, []byte("[Unit]\n"), []byte("[Unit]\nConflicts=homeward.service\n"), 1)
	return bytes.Replace(unit, []byte("ExecStart="), []byte("ExecStartPre=+/usr/lib/systemd/systemd-sysctl /usr/share/homeward/60-homeward.conf\nExecStart="), 1)
}

// zipped has neither a name nor a time in it.
func zipped(data []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	w.Write(data) // into memory
	w.Close()
	return b.Bytes()
}
