//go:build linux

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"homeward/scripts/labnet"
)

// blobs are the files of an OCI archive; every one is what its name says.
func blobs(t *testing.T, archive string) map[string][]byte {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string][]byte{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if sum, ok := strings.CutPrefix(h.Name, "blobs/sha256/"); ok && digest.FromBytes(data).Encoded() != sum {
			t.Errorf("the blob %s is not what its name says", sum)
		}
		all[h.Name] = data
	}
}

func decode[T any](t *testing.T, all map[string][]byte, d digest.Digest) (v T) {
	t.Helper()
	if err := json.Unmarshal(all["blobs/sha256/"+d.Encoded()], &v); err != nil {
		t.Fatalf("reading the blob %s: %v", d, err)
	}
	return v
}

// unpack writes the image in an archive, which has that name, for this test's platform into a folder.
func unpack(t *testing.T, archive, name, root string) v1.Image {
	t.Helper()
	all := blobs(t, archive)
	var top v1.Index
	if err := json.Unmarshal(all[v1.ImageIndexFile], &top); err != nil {
		t.Fatal(err)
	}
	for _, d := range top.Manifests {
		if d.Annotations[v1.AnnotationRefName] != name {
			continue
		}
		for _, m := range decode[v1.Index](t, all, d.Digest).Manifests {
			if m.Platform.OS != "linux" || m.Platform.Architecture != "amd64" {
				continue
			}
			manifest := decode[v1.Manifest](t, all, m.Digest)
			image := decode[v1.Image](t, all, manifest.Config.Digest)
			for i, l := range manifest.Layers {
				plain := unpackLayer(t, all["blobs/sha256/"+l.Digest.Encoded()], root)
				if image.RootFS.DiffIDs[i] != plain {
					t.Errorf("layer %d has the digest %s, the image says %s", i, plain, image.RootFS.DiffIDs[i])
				}
			}
			return image
		}
	}
	t.Fatalf("there is no image %q for linux/amd64", name)
	return v1.Image{}
}

func unpackLayer(t *testing.T, packed []byte, root string) digest.Digest {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tar", "-x", "--same-owner", "-p", "-C", root)
	cmd.Stdin = bytes.NewReader(plain)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("unpacking: %v: %s", err, out)
	}
	return digest.FromBytes(plain)
}

// inContainer runs a program in a read-only root folder, with the state's
// folder alone writable, as the image's user and so without any capability.
const inContainer = `set -e
root=$0
mount --bind "$root" "$root"
mount --bind "$root/var/lib/homeward" "$root/var/lib/homeward"
mount -o remount,bind,ro "$root"
exec env -i HOMEWARD_STATE=/var/lib/homeward XDG_CONFIG_HOME=/etc "$(command -v chroot)" --userspec=65532:65532 "$root" "$@"`

func TestTheImageRunsWithoutAnyCapability(t *testing.T) {
	m := newRelease(t)
	b := labnet.Bare(t)
	box := b.NewHost("container")
	root := filepath.Join(b.Dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, v := range variants {
		name := map[string]string{"netstack": "rootless", "tun": "tun"}[v.plane]
		if text, err := os.ReadFile("../../configs/compose/" + name + ".yaml"); err != nil || !strings.Contains(string(text), "image: "+v.reference()+" ") {
			t.Errorf("%s.yaml does not use the image %s: %v", name, v.reference(), err)
		}
	}
	image := unpack(t, filepath.Join(m.dir, "homeward-image.oci.tar"), "localhost/homeward:latest", root)
	if image.Config.User != "65532:65532" || strings.Join(image.Config.Entrypoint, " ") != "/homeward" {
		t.Errorf("the image's config is %+v", image.Config)
	}
	command := func(args ...string) *exec.Cmd {
		return box.Command(context.Background(), "unshare", append([]string{"-m", "sh", "-c", inContainer, root}, args...)...)
	}
	serve := append(append(image.Config.Entrypoint, image.Config.Cmd...), "--map-port=false", "--bind", "127.0.0.1", "--endpoint", "home.example.org")
	p := box.Start(command(serve...))
	labnet.Eventually(t, 20*time.Second, "homeward answers in its container", func() bool {
		out, err := command("/homeward", "status").CombinedOutput()
		return err == nil && strings.Contains(string(out), "WireGuard listens")
	})
	// The root of this file system is that of the process: its own view of itself.
	if status := statusOf(t, "/homeward"); !strings.Contains(status, "CapEff:\t0000000000000000\n") || !strings.Contains(status, "Uid:\t65532\t") {
		t.Errorf("the process has %s", status)
	}
	if out, err := command("/homeward", "peers", "add", "phone").CombinedOutput(); err != nil || !strings.Contains(string(out), "may come in now") {
		t.Errorf("adding a peer: %v: %s", err, out)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	tun := filepath.Join(b.Dir, "tun")
	if err := os.Mkdir(tun, 0o755); err != nil {
		t.Fatal(err)
	}
	if image := unpack(t, filepath.Join(m.dir, "homeward-tun-image.oci.tar"), "localhost/homeward-tun:latest", tun); image.Config.User != "0:0" || strings.Join(image.Config.Cmd, " ") != "serve --plane tun" {
		t.Errorf("the other image's config is %+v", image.Config)
	}
}

// statusOf reads what the kernel says of the process whose program has the path
// exe in its own root folder.
func statusOf(t *testing.T, exe string) string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		line, _ := os.ReadFile(f)
		if strings.HasPrefix(string(line), exe+"\x00serve") {
			status, err := os.ReadFile(filepath.Join(filepath.Dir(f), "status"))
			if err != nil {
				t.Fatal(err)
			}
			return string(status)
		}
	}
	t.Fatalf("no process is %s", exe)
	return ""
}
