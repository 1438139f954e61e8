package configs

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

func env(m map[string]string) func(string) (string, bool) {
	return func(k string) (string, bool) { v, ok := m[k]; return v, ok }
}

func file(content string) func(string) ([]byte, error) {
	return func(string) ([]byte, error) { return []byte(content), nil }
}

func load(content string) (Settings, error) {
	return Load(Input{File: "homeward.toml", Env: env(nil), ReadFile: file(content)})
}

func TestExampleIsWhatTheKeysSay(t *testing.T) {
	if os.Getenv("HOMEWARD_UPDATE") != "" {
		if err := os.WriteFile("homeward.toml", []byte(example()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if Example != example() {
		t.Error("homeward.toml is not what the keys say: run this test with HOMEWARD_UPDATE=1")
	}
}

func TestExampleLoadsWithEveryKeySwitchedOn(t *testing.T) {
	on := regexp.MustCompile(`(?m)^#([a-z_]+ = )`).ReplaceAllString(Example, "$1")
	got, err := load(on)
	if err != nil {
		t.Fatal(err)
	}
	want, err := load("")
	if err != nil {
		t.Fatal(err)
	}
	got.Bind, got.AdminHosts = nil, nil
	if strings.Count(on, " = ") < len(Keys()) || got.AdminPort != want.AdminPort || got.Plane != want.Plane || got.StateDir != want.StateDir || !got.MapPort {
		t.Errorf("settings = %+v, want the defaults %+v", got, want)
	}
}

func TestFlagsWinOverVariablesOverFile(t *testing.T) {
	s, err := Load(Input{
		File: "homeward.toml", ReadFile: file("port = 1\nadmin_port = 2\nendpoint = 'file.example'"),
		Env:   env(map[string]string{"HOMEWARD_PORT": "11", "HOMEWARD_ADMIN_PORT": "12"}),
		Flags: map[string]string{"port": "111"},
	})
	if err != nil || s.Port != 111 || s.AdminPort != 12 || s.Endpoint != "file.example" {
		t.Errorf("settings = %+v, %v", s, err)
	}
}

func TestProblemsAreToldTogetherAndByName(t *testing.T) {
	_, err := load("prot = 5\nplane = 'kernel'\nadmin_port = 'x'\nbind = ['8.8.8.8']\ninterface = 'a name that is long'")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`homeward.toml: there is no key "prot": did you mean "port"?`,
		`homeward.toml: plane "kernel" is not one of auto, tun, netstack`,
		`homeward.toml: admin_port must be a number`,
		`homeward.toml: bind "8.8.8.8" has 8.8.8.8, which is public: the admin page is for the house only`,
		`homeward.toml: interface "a name that is long" is not a name for a network interface`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func TestVariablesAndFlagsAreNamedInErrors(t *testing.T) {
	_, err := Load(Input{File: "f", ReadFile: file(""), Env: env(map[string]string{"HOMEWARD_PORT": "70000"}), Flags: map[string]string{"log-level": "loud"}})
	if err == nil || !strings.Contains(err.Error(), `variable HOMEWARD_PORT: port "70000"`) || !strings.Contains(err.Error(), `flag --log-level: log_level "loud"`) {
		t.Errorf("error = %v", err)
	}
}

func TestSyntaxErrorsNameTheLine(t *testing.T) {
	if _, err := load("port = 1\nplane = "); err == nil || !strings.Contains(err.Error(), "homeward.toml:2:") {
		t.Errorf("error = %v, want the line", err)
	}
}

func TestOnlyANamedFileMustExist(t *testing.T) {
	none := func(name string) ([]byte, error) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if _, err := Load(Input{Env: env(nil), ReadFile: none}); err != nil {
		t.Errorf("without the default file: %v", err)
	}
	if _, err := Load(Input{File: "/x.toml", Env: env(nil), ReadFile: none}); err == nil || !strings.Contains(err.Error(), "/x.toml") {
		t.Errorf("error = %v, want the missing file named", err)
	}
}

func TestControlCharactersAreRefused(t *testing.T) {
	for _, content := range []string{`state = "a\nb"`, `endpoint = "a\nb"`, `interface = "a\nb"`, `admin_hosts = ["a\nb"]`} {
		if _, err := load(content); err == nil {
			t.Errorf("%s was accepted", content)
		}
	}
}

func TestContainersAreGivenNoMoreThanTheyNeed(t *testing.T) {
	for name, caps := range map[string]string{"rootless": "", "tun": "    cap_add: [NET_ADMIN, NET_BIND_SERVICE]\n"} {
		text, err := os.ReadFile("compose/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"    cap_drop: [ALL]\n", "    network_mode: host\n", "    read_only: true\n", `    security_opt: ["no-new-privileges:true"]` + "\n", caps} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s.yaml lacks %q", name, want)
			}
		}
		for _, never := range []string{"privileged: true", "ports:", "docker.sock"} {
			if strings.Contains(string(text), never) {
				t.Errorf("%s.yaml has %q", name, never)
			}
		}
		if caps == "" && (strings.Contains(string(text), "cap_add") || strings.Contains(string(text), "devices:")) {
			t.Errorf("%s.yaml gives a right", name)
		}
	}
}

func TestProxiesAreAddressesOrNetworksAndNeverEverybody(t *testing.T) {
	s, err := load("admin_proxies = ['127.0.0.1', '192.168.7.9/24', 'fd00::1']")
	if got := fmt.Sprint(s.Proxies); err != nil || got != "[127.0.0.1/32 192.168.7.0/24 fd00::1/128]" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"proxy", "0.0.0.0/0", "::/0", "127.0.0.1/33"} {
		if _, err := load("admin_proxies = ['" + bad + "']"); err == nil || !strings.Contains(err.Error(), "admin_proxies") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
