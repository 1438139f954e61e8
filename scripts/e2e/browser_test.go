//go:build linux

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"homeward/scripts/labnet"
)

// browser is a headless Chromium that runs on one host of the lab.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu        sync.Mutex      // guards the fields that follow
	origins   map[string]bool // to which requests went
	sent      []string        // address, headers and body of each request
	posted    time.Time       // when the latest form was sent
	complains []string        // what the pages wrote on the console, and exceptions
}

// openBrowser starts Chromium on h. It accepts homeward's own certificate, as
// a person does who compared the fingerprint.
func openBrowser(t *testing.T, h *labnet.Host) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.IgnoreCertErrors, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true), chromedp.WindowSize(390, 844),
		chromedp.ModifyCmdFunc(func(c *exec.Cmd) { // it talks to us by pipes, which the namespace does not cut
			inside := h.Command(t.Context(), c.Args[0], c.Args[1:]...)
			c.Path, c.Args = inside.Path, inside.Args
			c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		}))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx, origins: map[string]bool{}}
	if err := chromedp.Listen(ctx, b.noteRequest); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	messages := chromedp.Console(ctx)
	go func() { // ends with ctx
		for m, err := range messages {
			if err == nil && (m.IsException() || m.Type == "error") {
				b.mu.Lock()
				b.complains = append(b.complains, m.Source+" "+m.URL+": "+m.Text)
				b.mu.Unlock()
			}
		}
	}()
	if _, err := chromedp.Run(ctx, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
		return chromedp.Void{}, err
	}); err != nil {
		t.Fatalf("watching chromium's requests: %v", err)
	}
	return b
}

// noteRequest notes where requests go, and what they have.
func (b *browser) noteRequest(ev any) {
	e, ok := ev.(*network.EventRequestWillBeSent)
	if !ok {
		return
	}
	u, err := url.Parse(e.Request.URL)
	if err != nil || u.Scheme == "data" || u.Scheme == "blob" || u.Scheme == "about" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.origins[u.Scheme+"://"+u.Host] = true
	b.sent = append(b.sent, whole(e.Request))
	if e.Request.Method == http.MethodPost {
		b.posted = time.UnixMicro(int64(e.WallTime.Float64() * 1e6))
	}
}

// whole is all that a request says, with what forms escape written out.
func whole(r *network.Request) string {
	s := fmt.Sprintf("%s %s %v ", r.Method, r.URL, r.Headers)
	for _, part := range r.PostDataEntries {
		s += string(part.Bytes)
	}
	if plain, err := url.QueryUnescape(strings.ReplaceAll(s, "+", "%2B")); err == nil {
		return s + " " + plain
	}
	return s
}

// stepTakes is how long a step of what a person does may take: nobody promised a time
// for it, and Chromium on a busy machine is many times slower.
const stepTakes = 2 * time.Minute

// do runs the actions as one step of what a person does.
func (b *browser) do(step string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTakes)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.shot("failed")
		b.t.Fatalf("%s: %v\n%s", step, err, b.body())
	}
}

// body is what the page says, for the report of a failure.
func (b *browser) body() string {
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

// shot keeps a picture of the page for a person to look at, if a folder for
// them was named in HOMEWARD_SHOTS.
func (b *browser) shot(name string) {
	dir := os.Getenv("HOMEWARD_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(b.t.Name(), "/", "-")+"-"+name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Errorf("taking a picture of the page: %v", err)
	}
}

// forget drops complaints that have part in them: the test asked for them.
func (b *browser) forget(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complains = slices.DeleteFunc(b.complains, func(c string) bool { return strings.Contains(c, part) })
}

// checkClean fails the test if a page talked to anyone but origin or
// complained on the console.
func (b *browser) checkClean(origin string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for o := range b.origins {
		if o != origin {
			b.t.Errorf("a page sent a request to %s, want none but to %s", o, origin)
		}
	}
	if !b.origins[origin] {
		b.t.Errorf("no request to %s was seen, only to %v: the check looks at nothing", origin, b.origins)
	}
	for _, c := range b.complains {
		b.t.Errorf("the browser complains: %s", c)
	}
}
