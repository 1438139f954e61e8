package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"homeward/configs/release"
)

// seal writes the manifest, the installer, the checksums of all files, and the
// signatures.
func (j *job) seal(programs []program) error {
	m := release.Manifest{Version: j.version, Expires: j.made.Add(j.valid), UnsafeBefore: j.unsafe}
	for _, p := range programs {
		data, err := os.ReadFile(p.path)
		if err != nil {
			return err
		}
		m.Files = append(m.Files, release.File{Name: filepath.Base(p.path), Platform: p.platform(), Size: int64(len(data)), SHA256: sumOf(data)})
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if _, err := release.Parse(text); err != nil {
		return fmt.Errorf("making the manifest: %w", err)
	}
	if err := j.signed(release.ManifestName, text); err != nil {
		return err
	}
	if err := j.writeInstaller(); err != nil {
		return err
	}
	sums, err := j.sums()
	if err != nil {
		return err
	}
	return j.signed("SHA256SUMS", sums)
}

// writeInstaller hands out install.sh with the keys that it is to believe.
func (j *job) writeInstaller() error {
	text, err := os.ReadFile(filepath.Join(j.src, "scripts/install.sh"))
	if err != nil {
		return err
	}
	var keys []string
	for _, k := range j.trusted {
		keys = append(keys, release.FormatKey(k))
	}
	// The lines follow each other, so that neither may take the other's line feed.
	filled := strings.NewReplacer("\nKEYS=''", "\nKEYS='"+strings.Join(keys, " ")+"'", "\nFROM=''", "\nFROM='"+j.from+"'").Replace(string(text))
	return os.WriteFile(filepath.Join(j.out, "install.sh"), []byte(filled), 0o755)
}

// signed writes a file, and its signature beside it when there is a key.
func (j *job) signed(name string, data []byte) error {
	path := filepath.Join(j.out, name)
	if err := os.WriteFile(path, data, 0o644); err != nil || len(j.keys) == 0 {
		return err
	}
	return os.WriteFile(path+".sig", release.Sign(data, j.keys...), 0o644)
}

// sums lists all files as "sha256sum -c" reads it.
func (j *job) sums() ([]byte, error) {
	files, err := os.ReadDir(j.out)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, f := range files { // they come sorted
		data, err := os.ReadFile(filepath.Join(j.out, f.Name()))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s  %s\n", sumOf(data), f.Name())
	}
	return []byte(b.String()), nil
}

func sumOf(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
