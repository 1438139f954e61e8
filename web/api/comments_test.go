package api

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// sourceComments reads what this package's source says of its structs and their members.
func sourceComments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	say := func(key string, groups ...*ast.CommentGroup) {
		for _, g := range groups {
			if text := strings.Join(strings.Fields(g.Text()), " "); text != "" && said[key] == "" {
				said[key] = text
			}
		}
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			types, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range types.Specs {
				one, _ := s.(*ast.TypeSpec)
				if one == nil {
					continue
				}
				members, ok := one.Type.(*ast.StructType)
				if !ok {
					continue
				}
				for _, f := range members.Fields.List {
					if f.Tag == nil {
						continue
					}
					say(one.Name.Name, types.Doc, one.Doc) // only of what is on the wire
					name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
					say(one.Name.Name+"."+name, f.Doc, f.Comment)
				}
			}
		}
	}
	return said
}

// The document says what the source says. HOMEWARD_UPDATE=1 writes it down anew.
func TestTheDocumentHasTheCommentsOfItsTypes(t *testing.T) {
	want, err := json.MarshalIndent(sourceComments(t), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if os.Getenv("HOMEWARD_UPDATE") != "" {
		if err := os.WriteFile("comments.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return // the program has the old ones
	} else if !bytes.Equal(comments, want) {
		t.Fatal("comments.json is not what the comments say: HOMEWARD_UPDATE=1 go test ./web/api -run Comments")
	}
	d, err := documentOf(allRows(), "")
	if err != nil {
		t.Fatal(err)
	}
	peer := d.Components.Schemas["Peer"]
	if peer.Description != "Peer is a device that may come in." || peer.Properties["keepalive_seconds"].Description != "0: none" {
		t.Errorf("%q, %q", peer.Description, peer.Properties["keepalive_seconds"].Description)
	}
}
