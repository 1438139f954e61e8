package openapi

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schemas collects the schemas of Go types. A struct that has a name gets a component
// of that name, to which all that has it refers, so that programs made from the
// document have one type for it.
type Schemas struct {
	// Enums are the values of types that are a choice of some texts.
	Enums map[reflect.Type][]any
	// Says are descriptions of structs, by Name, and of their members, by Name.member.
	Says map[string]string

	components map[string]*jsonschema.Schema
	types      map[reflect.Type]*jsonschema.Schema // a reference or a schema for each type that was seen
}

// Of is the schema of a value's type as encoding/json writes it. Null is never
// allowed: what there is not is left out, and a list without anything is empty.
func (s *Schemas) Of(value any) (*jsonschema.Schema, error) {
	if s.types == nil {
		s.components = map[string]*jsonschema.Schema{}
		s.types = map[reflect.Type]*jsonschema.Schema{
			reflect.TypeFor[time.Time](): {Type: "string", Format: "date-time"},
			reflect.TypeFor[[]byte]():    {Type: "string", ContentEncoding: "base64"},
		}
		for t, values := range s.Enums {
			s.types[t] = &jsonschema.Schema{Type: "string", Enum: values}
		}
	}
	return s.of(reflect.TypeOf(value))
}

// Components are the schemas of all structs that were seen, by name.
func (s *Schemas) Components() map[string]*jsonschema.Schema { return s.components }

func (s *Schemas) of(t reflect.Type) (*jsonschema.Schema, error) {
	if err := s.name(t); err != nil {
		return nil, err
	}
	schema, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: s.types})
	if err != nil {
		return nil, err
	}
	withoutNull(schema)
	return schema, nil
}

// name makes components of the structs that t is made of, the inner ones first.
func (s *Schemas) name(t reflect.Type) error {
	if s.types[t] != nil {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return s.name(t.Elem())
	case reflect.Struct:
	default:
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() && f.Tag.Get("json") != "-" {
			if err := s.name(f.Type); err != nil {
				return err
			}
		}
	}
	schema, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: s.types})
	if err != nil {
		return err
	}
	withoutNull(schema)
	schema.Description = s.Says[t.Name()]
	for member, of := range schema.Properties {
		of.Description = s.Says[t.Name()+"."+member]
	}
	name := exported(t.Name())
	if s.components[name] != nil {
		return fmt.Errorf("two types are called %s, one of them %s", name, t)
	}
	s.components[name] = schema
	s.types[t] = &jsonschema.Schema{Ref: "#/components/schemas/" + name}
	return nil
}

func exported(name string) string {
	if name != "" && 'a' <= name[0] && name[0] <= 'z' {
		return string(name[0]-'a'+'A') + name[1:]
	}
	return name
}

// withoutNull takes null out of the types that s allows, at any depth.
func withoutNull(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if i := slices.Index(s.Types, "null"); i >= 0 {
		if s.Types = slices.Delete(s.Types, i, i+1); len(s.Types) == 1 {
			s.Type = s.Types[0]
		}
		if len(s.Types) <= 1 {
			s.Types = nil
		}
	}
	withoutNull(s.Items)
	withoutNull(s.AdditionalProperties)
	for p := range maps.Values(s.Properties) {
		withoutNull(p)
	}
}
