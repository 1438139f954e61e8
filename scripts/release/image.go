package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	specs "github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// imageUser is who the rootless image runs as: nobody that the host knows.
const imageUser = 65532

// variant is one kind of the image.
type variant struct {
	name, plane, user string
	owner             int // of the state directory
}

// variants: a container cannot give a capability to another user than root, so
// the one with a network interface is root with nothing but what it is given.
var variants = []variant{
	{"homeward", "netstack", "65532:65532", imageUser},
	{"homeward-tun", "tun", "0:0", 0},
}

// writeImages makes an OCI archive of each variant for all platforms, from
// nothing but the program: "podman load" and "skopeo copy oci-archive:" read it.
func (j *job) writeImages(programs []program) error {
	for _, v := range variants {
		if err := j.writeImage(v, programs); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) writeImage(v variant, programs []program) error {
	a := &archive{job: j, blobs: map[digest.Digest]bool{}}
	a.w = tar.NewWriter(&a.b)
	index := v1.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageIndex}
	for _, p := range programs {
		if !p.image {
			continue
		}
		j.say("making the image %s for %s", v.name, p.platform())
		d, err := a.image(v, p)
		if err != nil {
			return err
		}
		index.Manifests = append(index.Manifests, d)
	}
	if len(index.Manifests) == 0 {
		return nil // of the chosen platforms none is Linux
	}
	d, err := a.object(v1.MediaTypeImageIndex, index)
	if err != nil {
		return err
	}
	d.Annotations = map[string]string{v1.AnnotationRefName: v.reference(), "io.containerd.image.name": v.reference()}
	top := v1.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageIndex, Manifests: []v1.Descriptor{d}}
	if err := a.json(v1.ImageIndexFile, top); err != nil {
		return err
	}
	if err := a.json(v1.ImageLayoutFile, v1.ImageLayout{Version: v1.ImageLayoutVersion}); err != nil {
		return err
	}
	if err := a.w.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(j.out, v.name+"-image.oci.tar"), a.b.Bytes(), 0o644)
}

// reference is what the image is called once it is loaded, as the compose files
// call it. Its version is among the labels.
func (v variant) reference() string { return "localhost/" + v.name + ":latest" }

// archive is an OCI layout in a tar file, in memory: all programs together have
// 150 MB, and half of it compressed.
type archive struct {
	*job
	b     bytes.Buffer
	w     *tar.Writer
	blobs map[digest.Digest]bool
}

// image adds the variant for one platform and returns its manifest.
func (a *archive) image(v variant, p program) (v1.Descriptor, error) {
	none := v1.Descriptor{}
	data, err := os.ReadFile(p.path)
	if err != nil {
		return none, err
	}
	layers := [][]entry{{
		{"etc/", 0o755, 0, nil},
		{"etc/passwd", 0o644, 0, []byte("root:x:0:0:root:/:/none\nhomeward:x:65532:65532:homeward:/var/lib/homeward:/none\n")},
		{"etc/group", 0o644, 0, []byte("root:x:0:\nhomeward:x:65532:\n")},
		{"homeward", 0o755, 0, data},
		{"tmp/", 0o1777, 0, nil},
		{"var/", 0o755, 0, nil},
		{"var/lib/", 0o755, 0, nil},
	}, {
		{"var/lib/homeward/", 0o700, v.owner, nil},
	}}
	m := v1.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest}
	var plain []digest.Digest
	for _, l := range layers {
		files, err := a.layer(l)
		if err != nil {
			return none, err
		}
		packed, err := a.blob(v1.MediaTypeImageLayerGzip, zipped(files))
		if err != nil {
			return none, err
		}
		m.Layers, plain = append(m.Layers, packed), append(plain, digest.FromBytes(files))
	}
	platform := v1.Platform{OS: p.os, Architecture: p.arch}
	if p.arm != "" {
		platform.Variant = "v" + p.arm
	}
	m.Config, err = a.object(v1.MediaTypeImageConfig, v1.Image{
		Created: &a.made, Platform: platform,
		Config: v1.ImageConfig{
			User: v.user, Entrypoint: []string{"/homeward"}, Cmd: []string{"serve", "--plane", v.plane},
			Env:     []string{"HOMEWARD_STATE=/var/lib/homeward", "XDG_CONFIG_HOME=/etc"},
			Volumes: map[string]struct{}{"/var/lib/homeward": {}},
			Labels:  map[string]string{v1.AnnotationTitle: "homeward", v1.AnnotationVersion: a.version, v1.AnnotationLicenses: "MIT"},
		},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: plain},
	})
	if err != nil {
		return none, err
	}
	d, err := a.object(v1.MediaTypeImageManifest, m)
	d.Platform = &platform
	return d, err
}

// entry is a file of the image, or a folder when its name ends in a slash.
type entry struct {
	name  string
	mode  int64
	owner int
	data  []byte
}

func (j *job) layer(entries []entry) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range entries {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Uid: f.owner, Gid: f.owner, Size: int64(len(f.data)), ModTime: j.made, Format: tar.FormatPAX}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// object adds a JSON blob.
func (a *archive) object(mediaType string, v any) (v1.Descriptor, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return a.blob(mediaType, text)
}

// blob adds a blob once.
func (a *archive) blob(mediaType string, data []byte) (v1.Descriptor, error) {
	d := v1.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if a.blobs[d.Digest] {
		return d, nil
	}
	a.blobs[d.Digest] = true
	return d, a.file(v1.ImageBlobsDir+"/sha256/"+d.Digest.Encoded(), data)
}

func (a *archive) json(name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.file(name, text)
}

func (a *archive) file(name string, data []byte) error {
	if err := a.w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: a.made, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := a.w.Write(data)
	return err
}
