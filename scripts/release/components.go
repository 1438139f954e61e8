package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The list of components, as CycloneDX 1.6 has it.
type (
	bom struct {
		Format     string      `json:"bomFormat"`
		Spec       string      `json:"specVersion"`
		Version    int         `json:"version"`
		Metadata   metadata    `json:"metadata"`
		Components []component `json:"components"`
	}
	metadata struct {
		Timestamp string    `json:"timestamp"`
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version"`
		PURL       string     `json:"purl,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
)

// writeComponents lists what the programs are made of, as it is written in
// themselves: each module with its checksum and the programs that have it.
func (j *job) writeComponents(programs []program) error {
	found := map[string]*component{}
	for _, p := range programs {
		info, err := buildinfo.ReadFile(p.path)
		if err != nil {
			return fmt.Errorf("reading what %s is made of: %w", filepath.Base(p.path), err)
		}
		add := func(name, version, sum string) {
			ref := "pkg:golang/" + name + "@" + version
			c := found[ref]
			if c == nil {
				c = &component{Type: "library", Ref: ref, Name: name, Version: version, PURL: ref}
				if sum != "" {
					c.Properties = []property{{"homeward:go.sum", sum}}
				}
				found[ref] = c
			}
			c.Properties = append(c.Properties, property{"homeward:in", filepath.Base(p.path)})
		}
		add("stdlib", strings.TrimPrefix(info.GoVersion, "go"), "")
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			add(m.Path, m.Version, m.Sum)
		}
	}
	list := bom{Format: "CycloneDX", Spec: "1.6", Version: 1, Metadata: metadata{
		Timestamp: j.made.Format(time.RFC3339),
		Component: component{Type: "application", Ref: "homeward", Name: "homeward", Version: j.version},
	}}
	for _, c := range found {
		list.Components = append(list.Components, *c)
	}
	slices.SortFunc(list.Components, func(a, b component) int { return cmp.Compare(a.Ref, b.Ref) })
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(j.out, "homeward.cdx.json"), append(text, '\n'), 0o644)
}
