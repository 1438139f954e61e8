package ddns

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const token = "tok-3n-very-secret"

// httpProvider is one provider with where it lives and what it says when all is well.
type httpProvider struct {
	config Config
	host   string
	good   string
	// query of the update of A alone, and of AAAA alone.
	only4, only6 string
}

func httpProviders() []httpProvider {
	dyn := func(p Provider, host, only4, only6 string) httpProvider {
		return httpProvider{Config{Provider: p, Name: "home.example.org", Credentials: NewCredentials("user", token)}, host, "good " + home4, only4, only6}
	}
	own := dyn(DynDNS2, "dyn.example.net", "hostname=home.example.org&myip="+home4, "hostname=home.example.org&myip="+home6)
	own.config.Server = "dyn.example.net"
	path := dyn(DynDNS2, "path.example.net", "n=home.example.org&a="+home4, "n=home.example.org&aaaa="+home6)
	path.config.Server, path.config.Path = "https://path.example.net/", "/v3/update?n={name}&a={ip4}&aaaa={ip6}"
	return []httpProvider{
		{Config{Provider: DuckDNS, Name: "home.duckdns.org", Credentials: NewCredentials("", token)}, "www.duckdns.org", "OK\n" + home4 + "\n\nUPDATED",
			"domains=home&ip=" + home4 + "&token=" + token + "&verbose=true",
			"domains=home&ipv6=" + strings.ReplaceAll(home6, ":", "%3A") + "&token=" + token + "&verbose=true"},
		{Config{Provider: DeSEC, Name: "home.dedyn.io", Credentials: NewCredentials("", token)}, "update.dedyn.io", "good",
			"hostname=home.dedyn.io&myipv4=" + home4 + "&myipv6=",
			"hostname=home.dedyn.io&myipv4=&myipv6=" + strings.ReplaceAll(home6, ":", "%3A")},
		dyn(NoIP, "dynupdate.no-ip.com", "hostname=home.example.org&myip="+home4, "hostname=home.example.org&myip="+home6),
		dyn(Strato, "dyndns.strato.com", "hostname=home.example.org&myip="+home4, "hostname=home.example.org&myip="+home6),
		dyn(Dynu, "api.dynu.com", "hostname=home.example.org&myip="+home4, "hostname=home.example.org&myipv6="+home6),
		dyn(INWX, "dyndns.inwx.com", "hostname=home.example.org&myip="+home4, "hostname=home.example.org&myipv6="+home6),
		own, path,
		{Config{Provider: Custom, Name: "home.example.org", Credentials: NewCredentials("", "https://hook.example.net/u?key="+token+"&n={name}&v4={ip4}&v6={ip6}")},
			"hook.example.net", "done", "key=" + token + "&n=home.example.org&v4=" + home4, "key=" + token + "&n=home.example.org&v6=" + home6},
	}
}

func TestHTTPProvidersSendWhatIsWanted(t *testing.T) {
	for _, p := range httpProviders() {
		t.Run(string(p.config.Provider)+" "+p.host, func(t *testing.T) {
			l, w := newLab(t), &web{}
			l.site(p.host, w)
			w.script(answer{body: p.good}, answer{body: strings.ReplaceAll(p.good, home4, home6)})
			pub := l.publisher(p.config)
			for i, want := range []Records{{A: addr(home4)}, {AAAA: addr(home6)}} {
				if err := pub.publish(t.Context(), want, Records{}); err != nil {
					t.Fatal(err)
				}
				r := w.requests()[i]
				if got, want := r.URL.RawQuery, []string{p.only4, p.only6}[i]; got != want {
					t.Errorf("query = %q, want %q", got, want)
				}
				if r.UserAgent() != userAgent {
					t.Errorf("user agent = %q", r.UserAgent())
				}
				user, password, basic := r.BasicAuth()
				if p.config.Provider.NeedsUser() && (user != "user" || password != token) {
					t.Errorf("basic auth = %q %q %v", user, password, basic)
				}
				if p.config.Provider == DeSEC && r.Header.Get("Authorization") != "Token "+token {
					t.Errorf("authorization = %q", r.Header.Get("Authorization"))
				}
			}
		})
	}
}

func TestHTTPProvidersSurviveAnything(t *testing.T) {
	type row struct {
		name   string
		answer answer
		kind   kind
		words  string
		after  time.Duration
	}
	rows := []row{
		{"bad credentials", answer{status: 401, body: "badauth"}, stop, "refused the credentials", 0},
		{"server error", answer{status: 500, body: "oops"}, temporary, "500", 0},
		{"server error with a wish", answer{status: 503, header: map[string]string{"Retry-After": "7200"}}, temporary, "503", 2 * time.Hour},
		{"too many", answer{status: 429}, temporary, "fewer updates", minEvery},
		{"forbidden", answer{status: 403}, temporary, "403", time.Hour},
		{"huge", answer{body: strings.Repeat("good ", maxReply)}, temporary, "longer than 64 KiB", 0},
		{"huge headers", answer{body: "good", header: map[string]string{"X": strings.Repeat("x", 2*maxReply)}}, temporary, "asking", 0},
		{"silence", answer{hang: true}, temporary, "did not answer", 0},
		{"other host", answer{status: 302, header: map[string]string{"Location": "https://evil.example.net/?t=" + token}}, temporary, "another host", time.Hour},
		{"plain http", answer{status: 302, header: map[string]string{"Location": "http://www.duckdns.org/"}}, temporary, "another host", time.Hour},
		{"broken redirect", answer{status: 302, header: map[string]string{"Location": "https://\x7f" + token}}, temporary, "asking", 0},
	}
	garbage := row{"garbage", answer{body: "<html>" + token + " \x00\u202e welcome"}, temporary, "something else than expected", 0}
	for _, p := range httpProviders() {
		all := rows
		if p.config.Provider != Custom { // any 2xx is a yes
			all = append(all, garbage, row{"empty", answer{}, temporary, "something else", 0})
		}
		if p.config.Provider != DuckDNS {
			all = append(all,
				row{"badauth with 200", answer{body: "badauth\n"}, stop, "refused the credentials", 0},
				row{"abuse", answer{body: "abuse"}, abuse, "too many updates", abuseHold},
				row{"no such name", answer{status: 404, body: "nohost"}, stop, "does not know the name", 0},
				row{"maintenance", answer{body: "911"}, temporary, "out of order", maintenanceHold},
				row{"not paid", answer{body: "!donator"}, stop, "paid", 0},
				row{"blocked program", answer{body: "badagent"}, stop, "this program", 0},
				row{"ignored", answer{body: "good 127.0.0.1"}, abuse, "ignores", abuseHold},
				row{"other address", answer{body: "nochg " + old4}, temporary, "stored " + old4, 0},
			)
		} else {
			all = append(all, row{"KO", answer{body: "KO"}, stop, "refused the credentials", 0})
		}
		for _, c := range all {
			t.Run(p.host+" "+c.name, func(t *testing.T) {
				t.Parallel()
				l, w, evil := newLab(t), &web{}, &web{}
				l.site(p.host, w)
				l.site("evil.example.net", evil)
				w.script(c.answer)
				s := l.seams()
				if c.answer.hang {
					s.timeout = 300 * time.Millisecond
				}
				u, err := newUpdater(p.config, s)
				if err != nil {
					t.Fatal(err)
				}
				err = u.publisher.publish(t.Context(), Records{A: addr(home4)}, Records{})
				wantFault(t, err, c.kind, c.words, token)
				if f := err.(*fault); f.after != c.after {
					t.Errorf("after = %v, want %v", f.after, c.after)
				}
				if n := len(evil.requests()); n > 0 {
					t.Errorf("the other host got %d requests", n)
				}
			})
		}
	}
}

func TestRedirectOnTheSameHostIsFollowed(t *testing.T) { // the control of "other host"
	l, w := newLab(t), &web{}
	l.site("dyn.example.net", w)
	w.script(answer{status: 307, header: map[string]string{"Location": "/v2/update"}}, answer{body: "nochg"})
	p := l.publisher(Config{Provider: DynDNS2, Server: "dyn.example.net", Name: "home.example.org", Credentials: NewCredentials("u", token)})
	if err := p.publish(t.Context(), Records{A: addr(home4)}, Records{}); err != nil {
		t.Fatal(err)
	}
}

func TestRedirectsEnd(t *testing.T) {
	l, w := newLab(t), &web{}
	l.site("dyn.example.net", w)
	w.script(answer{status: 307, header: map[string]string{"Location": "/again"}})
	p := l.publisher(Config{Provider: DynDNS2, Server: "dyn.example.net", Name: "home.example.org", Credentials: NewCredentials("u", token)})
	wantFault(t, p.publish(t.Context(), Records{A: addr(home4)}, Records{}), temporary, "another host", token)
	if n := len(w.requests()); n > maxRedirects+1 {
		t.Errorf("%d requests", n)
	}
}

func TestDuckDNSClearsAStaleRecord(t *testing.T) {
	l, w := newLab(t), &web{}
	l.site("www.duckdns.org", w)
	w.script(answer{body: "OK\n\n\nNOCHANGE"})
	p := l.publisher(Config{Provider: DuckDNS, Name: "www.home.duckdns.org", Credentials: NewCredentials("", token)})
	if err := p.publish(t.Context(), Records{A: addr(home4)}, Records{A: addr(old4), AAAA: addr(old6)}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range w.requests() {
		got = append(got, fmt.Sprint(r.URL.Query().Get("clear"), r.URL.Query().Get("ip"), " ", r.URL.Query().Get("domains")))
	}
	if want := []string{"true home", home4 + " home"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("requests = %q, want %q", got, want)
	}
}

func TestCustomURLWithoutAPlaceForTheAddress(t *testing.T) {
	l, w := newLab(t), &web{}
	l.site("hook.example.net", w)
	w.script(answer{status: 204})
	p := l.publisher(Config{Provider: Custom, Name: "home.example.org", Credentials: NewCredentials("", "https://hook.example.net/u?a={ip4}")})
	wantFault(t, p.publish(t.Context(), Records{AAAA: addr(home6)}, Records{}), stop, "{ip6}", "")
	p = l.publisher(Config{Provider: Custom, Name: "home.example.org", Credentials: NewCredentials("", "https://hook.example.net/u/"+token)})
	if err := p.publish(t.Context(), Records{A: addr(home4)}, Records{}); err != nil {
		t.Errorf("a URL whose server looks where we come from: %v", err)
	}
}

// fakeCloudflare is the part of the API v4 that we use, with its records.
type fakeCloudflare struct {
	web
	records map[string]cloudflareRecord
	n       int
}

func (f *fakeCloudflare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(f.replies) > 0 {
		f.web.ServeHTTP(w, r)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r)
	say := func(status int, v any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	good := func(v any) { say(200, map[string]any{"success": true, "errors": []any{}, "result": v}) }
	if r.Header.Get("Authorization") != "Bearer "+token {
		say(403, map[string]any{"success": false, "errors": []any{map[string]any{"code": 10000, "message": "Authentication error for " + r.Header.Get("Authorization")}}})
		return
	}
	path, isRecords := strings.CutPrefix(r.URL.Path, "/client/v4/zones/abc123/dns_records")
	id := strings.TrimPrefix(path, "/")
	var body cloudflareRecord
	_ = json.NewDecoder(r.Body).Decode(&body)
	switch {
	case r.URL.Path == "/client/v4/zones" && r.URL.Query().Get("name") == "example.org":
		good([]map[string]string{{"id": "abc123", "name": "example.org"}})
	case r.URL.Path == "/client/v4/zones":
		good([]any{})
	case isRecords && r.Method == http.MethodGet:
		var list []cloudflareRecord
		for _, rec := range f.records { // all of them: the client must look at the names itself
			list = append(list, rec)
		}
		good(list)
	case isRecords && r.Method == http.MethodPost:
		f.n++
		body.ID = fmt.Sprintf("f%d", f.n)
		f.records[body.ID] = body
		good(body)
	case isRecords && r.Method == http.MethodPatch:
		body.ID = id
		f.records[id] = body
		good(body)
	case isRecords && r.Method == http.MethodDelete:
		delete(f.records, id)
		good(nil)
	default:
		say(404, map[string]any{"success": false, "errors": []any{map[string]any{"code": 7003, "message": "could not route"}}})
	}
}

func (f *fakeCloudflare) changes() (n int) {
	for _, r := range f.requests() {
		if r.Method != http.MethodGet {
			n++
		}
	}
	return n
}

func cloudflareConfig() Config {
	return Config{Provider: Cloudflare, Name: "home.example.org", Credentials: NewCredentials("", token)}
}

func TestCloudflareMakesTheNameWhatIsWanted(t *testing.T) {
	other := cloudflareRecord{ID: "e1", Type: "A", Name: "www.example.org", Content: old4, Proxied: true}
	text := cloudflareRecord{ID: "e2", Type: "TXT", Name: "home.example.org", Content: "hello"}
	for _, c := range []struct {
		name    string
		have    []cloudflareRecord
		changes int
	}{
		{"nothing there", nil, 1},
		{"right already", []cloudflareRecord{{ID: "a1", Type: "A", Name: "home.example.org", Content: home4}}, 0},
		{"old address", []cloudflareRecord{{ID: "a1", Type: "A", Name: "home.example.org", Content: old4}}, 1},
		{"proxied, which passes no UDP", []cloudflareRecord{{ID: "a1", Type: "A", Name: "Home.Example.org", Content: home4, Proxied: true}}, 1},
		{"two and a stale AAAA", []cloudflareRecord{
			{ID: "a1", Type: "A", Name: "home.example.org", Content: old4}, {ID: "a2", Type: "A", Name: "home.example.org", Content: home4},
			{ID: "a3", Type: "AAAA", Name: "home.example.org", Content: old6}}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, f := newLab(t), &fakeCloudflare{records: map[string]cloudflareRecord{"e1": other, "e2": text}}
			for _, r := range c.have {
				f.records[r.ID] = r
			}
			l.site("api.cloudflare.com", f)
			if err := l.publisher(cloudflareConfig()).publish(t.Context(), Records{A: addr(home4)}, Records{}); err != nil {
				t.Fatal(err)
			}
			if f.records["e1"] != other || f.records["e2"] != text || len(f.records) != 3 {
				t.Errorf("records = %v, want one new and the others untouched", f.records)
			}
			for id, r := range f.records {
				if id[0] != 'e' && (r.Content != home4 || r.Type != "A" || r.Proxied) {
					t.Errorf("record = %+v", r)
				}
			}
			if n := f.changes(); n > c.changes || c.changes == 0 && n != 0 {
				t.Errorf("%d changes, want at most %d", n, c.changes)
			}
		})
	}
}

// Were the list not filtered by name, ours could be on another page, and a second
// address would be added beside it.
func TestCloudflareListThatIsNotFilteredIsRefused(t *testing.T) {
	for _, others := range []int{cloudflarePage - 1, cloudflarePage} { // the first is the control
		l, f := newLab(t), &fakeCloudflare{records: map[string]cloudflareRecord{}}
		for i := range others {
			id := fmt.Sprintf("e%d", i)
			f.records[id] = cloudflareRecord{ID: id, Type: "A", Name: id + ".example.org", Content: old4}
		}
		l.site("api.cloudflare.com", f)
		err := l.publisher(cloudflareConfig()).publish(t.Context(), Records{A: addr(home4)}, Records{})
		if refused := others == cloudflarePage; refused != (err != nil) || refused != (f.changes() == 0) {
			t.Errorf("%d other records: error = %v and %d changes", others, err, f.changes())
		}
	}
}

func TestCloudflareFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer answer
		config func(*Config)
		kind   kind
		words  string
	}{
		{"bad token", answer{}, func(c *Config) { c.Credentials = NewCredentials("", "wrong-token") }, stop, "error 10000: Authentication error for Bearer (credentials)"},
		{"malformed token", answer{status: 400, body: `{"success":false,"errors":[{"code":6003,"message":"Invalid request headers"}]}`}, nil, stop, "error 6003"},
		{"no zone", answer{}, func(c *Config) { c.Name = "home.example.net" }, stop, "no zone"},
		{"alias", answer{status: 400, body: `{"success":false,"errors":[{"code":81053,"message":"exists"}]}`}, nil, stop, "alias"},
		{"limit", answer{status: 429, header: map[string]string{"Retry-After": "600"}}, nil, temporary, "fewer"},
		{"down", answer{status: 502, body: "<html>"}, nil, temporary, "502"},
		{"garbage", answer{body: "<html>" + token}, nil, temporary, "something else"},
		{"null", answer{body: "null"}, nil, temporary, "something else"},
		{"other shape", answer{body: `{"success":true,"result":{"id":7}}`}, nil, temporary, "something else"},
		{"hostile id", answer{body: `{"success":true,"result":[{"id":"../../user/tokens","name":"home.example.org"}]}`}, nil, stop, "no zone"},
		{"hostile words", answer{status: 400, body: `{"success":false,"errors":[{"code":1,"message":"` + token + `\u0007"}]}`}, nil, temporary, "error 1"},
		{"huge", answer{body: strings.Repeat("{", maxReply+1)}, nil, temporary, "longer"},
		{"silence", answer{hang: true}, nil, temporary, "did not answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, f := newLab(t), &fakeCloudflare{records: map[string]cloudflareRecord{}}
			l.site("api.cloudflare.com", f)
			config := cloudflareConfig()
			if c.config != nil {
				c.config(&config)
			} else {
				f.script(c.answer)
			}
			s := l.seams()
			if c.answer.hang {
				s.timeout = 300 * time.Millisecond
			}
			u, err := newUpdater(config, s)
			if err != nil {
				t.Fatal(err)
			}
			wantFault(t, u.publisher.publish(t.Context(), Records{A: addr(home4)}, Records{}), c.kind, c.words, token)
			if n := f.changes(); n > 0 {
				t.Errorf("%d changes", n)
			}
		})
	}
}
