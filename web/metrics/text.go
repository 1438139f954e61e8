package metrics

import (
	"bytes"
	"strconv"
	"strings"
)

// ContentType is that of the text form.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// sample is one number of a family.
type sample struct {
	labels []string // pairs of a name and a value
	value  float64
}

// one is the only number of a family.
func one(value float64) []sample { return []sample{{value: value}} }

// text is a page of families.
type text struct{ bytes.Buffer }

// escaped are label values and help texts as the form has them.
var escaped = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// gauge writes a family that goes up and down, unless there is nothing in it.
func (t *text) gauge(name, help string, samples []sample) { t.family("gauge", name, help, samples) }

// counter writes one that only grows.
func (t *text) counter(name, help string, samples []sample) {
	t.family("counter", name, help, samples)
}

func (t *text) family(kind, name, help string, samples []sample) {
	if len(samples) == 0 {
		return
	}
	name = "homeward_" + name
	t.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n")
	for _, s := range samples {
		t.WriteString(name)
		for i := 0; i+1 < len(s.labels); i += 2 {
			t.WriteString(map[bool]string{true: "{", false: ","}[i == 0] + s.labels[i] + `="` + escaped.Replace(s.labels[i+1]) + `"`)
		}
		if len(s.labels) > 0 {
			t.WriteString("}")
		}
		t.WriteString(" " + strconv.FormatFloat(s.value, 'g', -1, 64) + "\n")
	}
}
