package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Input is where settings come from. Later ones win: the file, the
// environment, the flags.
type Input struct {
	File     string // empty: DefaultFile, which may be missing
	Env      func(string) (string, bool)
	Flags    map[string]string // by Key.Flag, only those that were given
	ReadFile func(string) ([]byte, error)
}

// value is what was written for a key, and where.
type value struct{ text, source string }

// Load reads the settings. All problems come together in one error, each with
// the key, the place, the value and what is allowed.
func Load(in Input) (Settings, error) {
	s := Settings{StateDir: DefaultStateDir(in.Env)}
	values := map[string]value{}
	problems := readFile(in, values)
	for _, k := range Keys() {
		if v, ok := in.Env(k.Env()); ok {
			values[k.Name] = value{v, "variable " + k.Env()}
		}
		if v, ok := in.Flags[k.Flag()]; ok {
			values[k.Name] = value{v, "flag --" + k.Flag()}
		}
		if err := k.set(&s, k.Default); err != nil {
			return Settings{}, fmt.Errorf("default of %s: %w", k.Name, err)
		}
		if v, ok := values[k.Name]; ok {
			if err := k.set(&s, v.text); err != nil {
				problems = append(problems, fmt.Errorf("%s: %s %.80q %w", v.source, k.Name, v.text, err))
			}
		}
	}
	return s, errors.Join(problems...)
}

// readFile adds the file's values and returns everything wrong with it.
func readFile(in Input, values map[string]value) []error {
	name, explicit := in.File, in.File != ""
	if !explicit {
		name = DefaultFile(in.Env)
	}
	read := in.ReadFile
	if read == nil {
		read = os.ReadFile
	}
	data, err := read(name)
	if !explicit && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return []error{fmt.Errorf("reading the operator's file: %w", err)}
	}
	var document map[string]any
	if err := toml.Unmarshal(data, &document); err != nil {
		var d *toml.DecodeError
		if errors.As(err, &d) {
			line, column := d.Position()
			return []error{fmt.Errorf("%s:%d:%d: %w", name, line, column, err)}
		}
		return []error{fmt.Errorf("%s: %w", name, err)}
	}
	return takeDocument(name, document, values)
}

func takeDocument(name string, document map[string]any, values map[string]value) []error {
	var problems []error
	keys := Keys()
	for written, v := range document {
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == written })
		if i < 0 {
			problems = append(problems, fmt.Errorf("%s: there is no key %.40q%s", name, written, suggestion(written, keys)))
			continue
		}
		t, ok := asText(keys[i].kind, v)
		if !ok {
			problems = append(problems, fmt.Errorf("%s: %s must be %s", name, written, keys[i].kind))
			continue
		}
		values[written] = value{t, name}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return problems
}

// String says how the kind is written, for errors.
func (k kind) String() string {
	return [...]string{"a text in quotes", "a number", "true or false", `a list such as ["a", "b"]`}[k]
}

func asText(k kind, v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, k == text
	case int64:
		return fmt.Sprint(v), k == number
	case bool:
		return fmt.Sprint(v), k == boolean
	case []any:
		var parts []string
		for _, e := range v {
			s, ok := e.(string)
			if !ok || strings.Contains(s, ",") {
				return "", false
			}
			parts = append(parts, s)
		}
		return strings.Join(parts, ","), k == list
	}
	return "", false
}

// suggestion names the key that was probably meant.
func suggestion(written string, keys []Key) string {
	best, distance := "", 4
	for _, k := range keys {
		if d := edits(strings.ToLower(written), k.Name); d < distance {
			best, distance = k.Name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

// edits is the Levenshtein distance, capped by the length of a key.
func edits(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
