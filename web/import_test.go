package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homeward/peers/imports"
	"homeward/web/account"
	"homeward/web/api"
)

// fakeImporter reads files as the real one does, and says what it took over.
type fakeImporter struct {
	took []string // kinds
	busy bool     // the port is in use

	runs api.RunningInterfaces
	down bool // all of them
}

// runningKey is the private key of the interfaces that run.
const runningKey = "AAgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM01o="

func (f *fakeImporter) Interfaces(context.Context) api.RunningInterfaces { return f.runs }

func (f *fakeImporter) ReadInterface(_ context.Context, name string) (map[string][]byte, error) {
	at := slices.IndexFunc(f.runs.Interfaces, func(i api.RunningInterface) bool { return i.Name == name })
	switch {
	case at < 0 || f.down:
		return nil, &api.Failure{Status: http.StatusNotFound, Field: "interface", Err: errors.New("no other WireGuard server runs on this machine as the interface " + name)}
	case !f.runs.Interfaces[at].Readable:
		return nil, &api.Failure{Status: http.StatusConflict, Field: "interface", Err: errors.New(f.runs.Interfaces[at].Problem)}
	}
	return map[string][]byte{name + ".conf": []byte("[Interface]\nPrivateKey = " + runningKey + "\nListenPort = 51999\nAddress = 10.99.7.1/24\n[Peer]\nPublicKey = wcMY7u6tEXeOVmokqMsEubQx64TPpiPGpoLH7lbI4gY=\nAllowedIPs = 10.99.7.2/32\n")}, nil
}

func (f *fakeImporter) Import(_ context.Context, files map[string][]byte, look bool) (api.Imported, error) {
	files, err := imports.Unpack(files)
	var s imports.Server
	if err == nil {
		s, err = imports.Read(files, func([]byte, ...string) (map[string]imports.Table, error) { return nil, errors.New("none") })
	}
	var want imports.Wanted
	if err == nil {
		want, err = s.Check([]netip.Prefix{netip.MustParsePrefix("192.168.1.0/24")}, time.Now())
	}
	if err != nil {
		return api.Imported{}, &api.Failure{Status: http.StatusUnprocessableEntity, Field: "files", Err: err}
	}
	if f.busy && !look {
		return api.Imported{}, &api.Failure{Status: http.StatusConflict, Field: "port", Err: errors.New("UDP port 51820 is in use on this machine: stop the old server first (bind)")}
	}
	done := api.Imported{Kind: s.Kind, PublicKey: want.PrivateKey.Public().String(), Port: want.Port, Networks: []string{want.V4.String()}, Endpoint: s.Endpoint, Told: want.Told}
	for _, d := range want.Devices {
		done.Devices = append(done.Devices, api.ImportedDevice{Name: string(d.Name), Addresses: []string{d.Addresses[0].String()}, Enabled: d.Enabled})
	}
	if !look {
		f.took = append(f.took, s.Kind)
	}
	return done, nil
}

// fixture is a file of another server.
func fixture(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../peers/imports/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// pivpn are the files of one.
func pivpn(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"wg0.conf": fixture(t, "pivpn/wg0.conf"), "anna.conf": fixture(t, "pivpn/configs/anna.conf"), "clients.txt": fixture(t, "pivpn/configs/clients.txt")}
}

// form is one with files, as a browser sends it.
func form(t *testing.T, fields, files map[string]string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := m.WriteField(name, fields[name]); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		part, err := m.CreateFormFile("file", name)
		if err == nil {
			_, err = io.WriteString(part, files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return m.FormDataContentType(), b.String()
}

// sendFiles sends files to the page.
func (w *world) sendFiles(c *http.Client, files map[string]string) reply {
	w.t.Helper()
	contentType, body := form(w.t, nil, files)
	return w.send(c, "POST", "/import", contentType, body, nil)
}

var heldID = regexp.MustCompile(`name="id" value="([A-Z2-7]{26})"`)

// idIn is what the files are held under.
func idIn(t *testing.T, r reply) string {
	t.Helper()
	m := heldID.FindStringSubmatch(r.body)
	if m == nil {
		t.Fatalf("%d: no files are held: %s", r.status, r.body)
	}
	return m[1]
}

func TestAnotherServerIsTakenOverOnThePage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	if page := w.get(c, "/import"); page.status != 200 || !strings.Contains(page.body, `enctype="multipart/form-data"`) {
		t.Errorf("%d %s", page.status, page.body)
	}
	found := w.sendFiles(c, pivpn(t))
	w.wantStatus("looking", found, 200)
	for _, want := range []string{"PiVPN", "yP7Kgb4ZbN8sreq/E8SQPXYy3OSVWqaLbl2a3vVOJhY=", "51820", "10.6.0.0/24", "home.example.org:51820", "anna", "10.6.0.2", "old laptop", "switched off", "2 devices", "mtu = 1420 is not needed"} {
		if !strings.Contains(strings.ReplaceAll(found.body, "&#43;", "+"), want) {
			t.Errorf("what was found lacks %q", want)
		}
	}
	if len(w.importer.took) != 0 {
		t.Fatal("looking was enough")
	}
	done := w.post(c, "/import/take", url.Values{"id": {idIn(t, found)}})
	if done.status != 200 || !strings.Contains(done.body, "2 devices were taken over") || !slices.Equal(w.importer.took, []string{"PiVPN"}) {
		t.Errorf("%d %s", done.status, done.body)
	}
	again := w.post(c, "/import/take", url.Values{"id": {idIn(t, found)}})
	if again.status != 410 || len(w.importer.took) != 1 || !strings.Contains(again.body, "choose the server again") {
		t.Errorf("a second time: %d", again.status)
	}
}

// The server's own private key and those of its devices are in the files, and nowhere else.
func TestKeysOfTheOtherServerAreNeitherShownNorLogged(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	said := w.sendFiles(c, pivpn(t))
	said.body += w.post(c, "/import/take", url.Values{"id": {idIn(t, said)}}).body
	broken := pivpn(t)
	broken["wg0.conf"] += "\n[Peer]\nPrivateKey = AAgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM01o=\nnonsense\n"
	said.body += w.sendFiles(c, broken).body
	secrets := regexp.MustCompile(`(?:PrivateKey|PresharedKey) = (\S+)`).FindAllStringSubmatch(fixture(t, "pivpn/wg0.conf")+fixture(t, "pivpn/configs/anna.conf"), -1)
	if len(secrets) < 4 {
		t.Fatalf("only %d secrets in the files: the test looks at the wrong ones", len(secrets))
	}
	all := said.body + w.log.String()
	for _, m := range secrets {
		for _, form := range []string{m[1], strings.ReplaceAll(m[1], "+", "&#43;"), url.QueryEscape(m[1])} {
			if strings.Contains(all, form) {
				t.Errorf("%.6s… is told", form)
			}
		}
	}
}

func TestAllThatIsWrongWithAServerIsSaidOnThePage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	text := strings.Replace(fixture(t, "pivpn/wg0.conf"), "Address = 10.6.0.1/24", "Address = 192.168.1.7/24", 1) + "nonsense\n[Bogus]\n"
	for name, tt := range map[string]struct {
		files  map[string]string
		says   []string
		status int
	}{
		"lines":     {map[string]string{"wg0.conf": text}, []string{"2 things are in the way", "wg0.conf, line 18", "wg0.conf, line 19", "neither a section nor a setting"}, 422},
		"addresses": {map[string]string{"wg0.conf": strings.TrimSuffix(text, "nonsense\n[Bogus]\n")}, []string{"always the first one", "one of this machine", "device anna"}, 422},
		"nothing":   {map[string]string{}, []string{"Choose the files first"}, 400},
		"no server": {map[string]string{"x.txt": "<script>"}, []string{"None of them is", "1 thing"}, 422},
		"a packed":  {map[string]string{"x.rar": "Rar!"}, []string{"x.rar", "packed by rar"}, 422},
		"too large": {map[string]string{"x": strings.Repeat("x", api.MaxImport+1)}, []string{"16 MiB are the limit"}, 413},
	} {
		r := w.sendFiles(c, tt.files)
		w.wantStatus(name, r, tt.status)
		for _, says := range tt.says {
			if !strings.Contains(strings.ToLower(r.body), strings.ToLower(says)) {
				t.Errorf("%s: %q is not said: %s", name, says, around(r.body, "file-problem"))
			}
		}
		if heldID.MatchString(r.body) || strings.Contains(r.body, "<script>") {
			t.Errorf("%s: it is held, or not escaped", name)
		}
	}
	w.wantStatus("no form", w.post(c, "/import", url.Values{"x": {"y"}}), 415)
	c.Transport = inGerman{c.Transport}
	if r := w.sendFiles(c, map[string]string{"wg0.conf": text}); !strings.Contains(r.body, "wg0.conf, Zeile 18") || !strings.Contains(r.body, "ist weder ein Abschnitt noch eine Einstellung") {
		t.Errorf("in German: %s", around(r.body, "file-problem"))
	}
	if r := w.sendFiles(c, pivpn(t)); !strings.Contains(r.body, "mtu = 1420 wird nicht gebraucht") || !strings.Contains(r.body, "heißt hier") {
		t.Errorf("in German: %s", around(r.body, `id="told"`))
	}
	if len(w.importer.took) != 0 {
		t.Error("something was taken over")
	}
}

func TestFilesOfAServerAreTakenOverOnlyByWhoSentThem(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	id := idIn(t, w.sendFiles(c, pivpn(t)))
	other := w.userAs("otto", account.RoleAdmin)
	w.wantStatus("another admin", w.post(other, "/import/take", url.Values{"id": {id}}), 410)
	w.wantStatus("a viewer", w.post(w.userAs("vera", account.RoleViewer), "/import/take", url.Values{"id": {id}}), 403)
	w.wantStatus("a guess", w.post(c, "/import/take", url.Values{"id": {strings.Repeat("A", 26)}}), 410)
	w.wantStatus("a stranger", w.post(w.stranger, "/import/take", url.Values{"id": {id}}), 303)
	if len(w.importer.took) != 0 {
		t.Fatal("somebody else took it over")
	}
	w.wantStatus("who sent them", w.post(c, "/import/take", url.Values{"id": {id}}), 200)
}

func TestWhileTheOldServerRunsItsFilesAreKept(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.importer.busy = true
	r := w.post(c, "/import/take", url.Values{"id": {idIn(t, w.sendFiles(c, pivpn(t)))}})
	if r.status != 409 || !strings.Contains(r.body, "51820 is in use on this machine") || !strings.Contains(r.body, "Stop the old server") {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.importer.busy = false
	w.wantStatus("when it was stopped", w.post(c, "/import/take", url.Values{"id": {idIn(t, r)}}), 200)
}

func TestAHomewardWithDevicesDoesNotAskForAnotherServer(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("phone")
	if r := w.get(c, "/import"); strings.Contains(r.body, `type="file"`) || !strings.Contains(r.body, "has devices of its own") {
		t.Errorf("%s", r.body)
	}
}

func TestSetupLeadsToTheOldServer(t *testing.T) {
	w := newWorld(t)
	token, err := w.account.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := w.browser()
	if r := w.get(c, "/setup?token="+token); !strings.Contains(r.body, "I come from another server") {
		t.Error("setup does not offer it")
	}
	values := url.Values{"token": {token}, "password": {password}, "again": {"another"}, "then": {"import"}}
	if r := w.post(c, "/setup", values); !strings.Contains(r.body, `value="import" checked`) {
		t.Error("the choice is lost")
	}
	values.Set("again", password)
	r := w.post(c, "/setup", values)
	if r.status != 303 || r.header.Get("Location") != "/import" {
		t.Errorf("%d to %s", r.status, r.header.Get("Location"))
	}
	w.wantStatus("the old server's page", w.get(c, "/import"), 200)
}

func TestFilesAreForgottenAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h held
		files := source{files: map[string][]byte{"x": nil}}
		id := h.put("s", files)
		time.Sleep(heldFor - time.Second)
		if _, there := h.take("s", id); !there {
			t.Error("they are gone too early")
		}
		id = h.put("s", files)
		time.Sleep(heldFor + time.Second)
		if _, there := h.take("s", id); there || len(h.list) != 0 {
			t.Error("they are still there")
		}
		first, second := h.put("s", files), h.put("s", files)
		if _, there := h.take("s", first); there {
			t.Error("those of before are still there")
		}
		if _, there := h.take("s", second); !there {
			t.Error("the newer ones are gone")
		}
		ids := map[string]string{}
		for _, session := range []string{"a", "b", "c", "d"} {
			ids[session] = h.put(session, files)
		}
		if _, there := h.take("a", ids["a"]); there || len(h.list) != maxHeld {
			t.Errorf("%d are held", len(h.list))
		}
		h.close()
		if _, there := h.take("d", ids["d"]); there {
			t.Error("they outlive the page")
		}
		late := h.put("d", files)
		if _, there := h.take("d", late); there {
			t.Error("a closed page holds files")
		}
	})
}

func TestProgramsImportAServer(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	look, files := form(t, map[string]string{"dry_run": "yes"}, pivpn(t))
	r := w.send(c, "POST", "/api/v1/import", look, files, nil)
	if r.status != 200 || !strings.Contains(r.body, `"kind":"PiVPN"`) || !strings.Contains(r.body, `"public_key":"yP7Kgb4ZbN8`) || len(w.importer.took) != 0 {
		t.Errorf("looking: %d %s", r.status, r.body)
	}
	kind, body := form(t, nil, map[string]string{"wg0.conf": "[Interface]\nListenPort = 1\nnonsense\n[Bogus]\n"})
	r = w.send(c, "POST", "/api/v1/import", kind, body, nil)
	wantProblem(t, "two problems", r, 422)
	if !strings.Contains(r.body, `"problems":[{"where":"wg0.conf, line 3"`) || !strings.Contains(r.body, `"where":"wg0.conf, line 4"`) {
		t.Errorf("%s", r.body)
	}
	kind, body = form(t, nil, map[string]string{"x": strings.Repeat("x", api.MaxImport+1)})
	wantProblem(t, "too large", w.send(c, "POST", "/api/v1/import", kind, body, nil), 413)
	wantProblem(t, "no files", w.send(c, "POST", "/api/v1/import", "application/json", `{"file":"x"}`, nil), 400)
	kind, body = form(t, nil, pivpn(t))
	wantProblem(t, "a viewer", w.send(w.userAs("vera", account.RoleViewer), "POST", "/api/v1/import", kind, body, nil), 403)
	if len(w.importer.took) != 0 {
		t.Fatal("something was taken over")
	}
	w.wantStatus("taking over", w.send(c, "POST", "/api/v1/import", kind, body, nil), 200)
	if !slices.Equal(w.importer.took, []string{"PiVPN"}) {
		t.Errorf("took %v", w.importer.took)
	}
}
