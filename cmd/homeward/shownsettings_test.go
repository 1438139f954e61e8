package main

import (
	"testing"

	"homeward/configs"
	"homeward/web/languages"
)

func TestShownSettingsAreAsReadAndExplained(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	s, err := configs.Load(configs.Input{Env: none, Flags: map[string]string{"endpoint": "home.example.org", "bind": "192.168.1.5, 10.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	texts := languages.Load()
	changed := map[string]string{"endpoint": "home.example.org", "bind": "192.168.1.5, 10.0.0.1"}
	shown := shownSettings(s)
	if len(shown) != 10 {
		t.Errorf("%d settings are shown, want 10", len(shown))
	}
	for _, f := range shown {
		want := f.Default
		if v, ok := changed[f.Key]; ok {
			want = v
		}
		if f.Value != want {
			t.Errorf("%s is %q, want %q", f.Key, f.Value, want)
		}
		for _, l := range texts.All() {
			if _, ok := l.Find("settings.key", f.Key); !ok {
				t.Errorf("%s is not explained in %s", f.Key, l.Tag())
			}
		}
	}
}
