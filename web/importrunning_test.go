package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"homeward/web/account"
	"homeward/web/api"
)

// threeRun are one interface that can be read, and two that cannot.
func threeRun() api.RunningInterfaces {
	return api.RunningInterfaces{Interfaces: []api.RunningInterface{
		{Name: "wg0", Kind: api.InterfaceUserspace, Port: 51999, Devices: 1, Readable: true},
		{Name: "wg1", Kind: api.InterfaceKernel, Problem: "reading this interface needs rights that homeward does not have: on this machine, run sudo homeward import wg1, or send its file", Command: "sudo homeward import wg1"},
		{Name: "wg2", Kind: api.InterfaceUserspace, Problem: "the program of the interface wg2 does not answer: send its file instead"},
	}}
}

func (w *world) lookAtRunning(c *http.Client, name string) reply {
	w.t.Helper()
	return w.post(c, "/import/interface", url.Values{"interface": {name}})
}

func TestAServerThatRunsHereIsTakenOverOnThePage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.importer.runs = threeRun()
	page := w.get(c, "/import")
	for _, want := range []string{"It runs on this box", "As a program, UDP port 51999, 1 device", `name="interface" value="wg0"`, `<span class="sr"> wg0</span>`, "run <code>sudo homeward import wg1</code>, or send its file", "The program of the interface wg2 does not answer: send its file instead.", `type="file"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("%q is not on the page: %s", want, around(page.body, `id="running"`))
		}
	}
	if strings.Count(page.body, `name="interface"`) != 1 {
		t.Error("those that cannot be read have a button")
	}
	found := w.lookAtRunning(c, "wg0")
	w.wantStatus("looking", found, 200)
	for _, want := range []string{"51999", "10.99.7.2", "Device 1", "There are no names of devices", "sudo systemctl disable --now wg-quick@wg0", "only one of the two can have the port"} {
		if !strings.Contains(found.body, want) {
			t.Errorf("what was found lacks %q", want)
		}
	}
	if len(w.importer.took) != 0 {
		t.Fatal("looking was enough")
	}
	w.importer.busy = true
	busy := w.post(c, "/import/take", url.Values{"id": {idIn(t, found)}})
	if busy.status != 409 || !strings.Contains(busy.body, "is in use on this machine") || !strings.Contains(busy.body, "wg-quick@wg0") {
		t.Errorf("while it runs: %d %s", busy.status, busy.body)
	}
	w.importer.busy, w.importer.down = false, true // what was read is enough
	done := w.post(c, "/import/take", url.Values{"id": {idIn(t, busy)}})
	if done.status != 200 || !strings.Contains(done.body, "1 device was taken over") || !slices.Equal(w.importer.took, []string{"wg-quick"}) {
		t.Errorf("%d %s, took %v", done.status, done.body, w.importer.took)
	}
	if all := page.body + found.body + busy.body + done.body + w.log.String(); strings.Contains(strings.ReplaceAll(all, "&#43;", "+"), runningKey) {
		t.Error("its private key is told")
	}
	if sent := w.sendFiles(c, pivpn(t)); strings.Contains(sent.body, "wg-quick@") {
		t.Error("a server whose files were sent is taken for one that runs here")
	}
}

func TestWhereNoServerRunsNothingIsSaidOfIt(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	for _, said := range []string{"It runs on this box", "Or send its files", "homeward import"} {
		if page := w.get(c, "/import"); strings.Contains(page.body, said) {
			t.Errorf("%q is on the page", said)
		}
	}
	w.importer.runs.Problem = "there may be more"
	if page := w.get(c, "/import"); !strings.Contains(page.body, "sudo homeward import wg0") || strings.Contains(page.body, "It runs on this box") {
		t.Error("where homeward cannot look, the command line is not named")
	}
}

func TestWhatCannotBeReadOfAServerThatRunsIsSaid(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.importer.runs = threeRun()
	for name, tt := range map[string]struct {
		status int
		says   string
	}{
		"wg1":     {409, "run sudo homeward import wg1, or send its file"},
		"nowhere": {404, "interface nowhere"},
	} {
		r := w.lookAtRunning(c, name)
		w.wantStatus(name, r, tt.status)
		if !strings.Contains(r.body, tt.says) || strings.Contains(r.body, "aria-invalid") {
			t.Errorf("%s: %s", name, around(r.body, "file-problem"))
		}
	}
	c.Transport = inGerman{c.Transport}
	if r := w.get(c, "/import"); !strings.Contains(r.body, "homeward hat nicht die Rechte, ihn zu lesen") || !strings.Contains(r.body, "Das Programm der Schnittstelle wg2 antwortet nicht") || !strings.Contains(r.body, "Als Programm, UDP-Port 51999, 1 Gerät") {
		t.Errorf("in German: %s", around(r.body, `id="running"`))
	}
}

func TestWhereNoneCanBeReadNothingIsSaidOfReading(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.importer.runs.Interfaces = threeRun().Interfaces[1:]
	if page := w.get(c, "/import"); !strings.Contains(page.body, "wg1") || strings.Contains(page.body, "homeward reads it") {
		t.Errorf("%s", around(page.body, `id="running"`))
	}
}

func TestServersThatRunAreForAdminsOnly(t *testing.T) {
	w := newWorld(t)
	w.owner()
	w.importer.runs = threeRun()
	w.wantStatus("a viewer", w.lookAtRunning(w.userAs("vera", account.RoleViewer), "wg0"), 403)
	w.wantStatus("a stranger", w.lookAtRunning(w.stranger, "wg0"), 303)
	wantProblem(t, "a viewer's list", w.get(w.userAs("viktor", account.RoleViewer), "/api/v1/import/interfaces"), 403)
}

func TestAHomewardWithDevicesDoesNotLookForServers(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.importer.runs = threeRun()
	w.addPeer("phone")
	if r := w.get(c, "/import"); strings.Contains(r.body, `name="interface"`) {
		t.Errorf("it offers one: %s", r.body)
	}
}

func TestProgramsImportAServerThatRuns(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.importer.runs = threeRun()
	send := func(body string) reply {
		return w.send(c, "POST", "/api/v1/import", "application/json", body, nil)
	}
	list := w.get(c, "/api/v1/import/interfaces")
	if want := `{"interfaces":[{"name":"wg0","kind":"userspace","port":51999,"devices":1,"readable":true},{"name":"wg1","kind":"kernel","port":0,"devices":0,"readable":false,"problem":"reading this`; list.status != 200 || !strings.HasPrefix(list.body, want) {
		t.Errorf("%d %s", list.status, list.body)
	}
	look := send(`{"interface":"wg0","dry_run":true}`)
	if look.status != 200 || !strings.Contains(look.body, `"port":51999`) || len(w.importer.took) != 0 {
		t.Errorf("looking: %d %s", look.status, look.body)
	}
	wantProblem(t, "not allowed", send(`{"interface":"wg1"}`), 409)
	wantProblem(t, "not there", send(`{"interface":"nowhere"}`), 404)
	wantProblem(t, "both", send(`{"interface":"wg0","files":{"x":"eA=="}}`), 400)
	wantProblem(t, "for ever", send(`{"interface":"wg0","wait_seconds":121}`), 400)
	if len(w.importer.took) != 0 {
		t.Fatal("something was taken over")
	}
	taken := send(`{"interface":"wg0"}`)
	if taken.status != 200 || !slices.Equal(w.importer.took, []string{"wg-quick"}) {
		t.Errorf("taking over: %d %s", taken.status, taken.body)
	}
	if strings.Contains(list.body+look.body+taken.body+w.log.String(), runningKey) {
		t.Error("its private key is told")
	}
}
