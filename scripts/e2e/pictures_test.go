//go:build linux

package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"homeward/scripts/labnet"
)

// The pictures in the README are the page as it is: a phone outside has come home. To
// take them anew: HOMEWARD_PICTURES=$PWD/scripts/pictures go test ./scripts/e2e -run Pictures
const (
	picturesFolder = "../pictures"
	maxPictures    = 150 << 10 // bytes of all together
)

func TestThePicturesOfTheReadmeCanBeTaken(t *testing.T) {
	lab := labnet.New(t)
	lab.Share.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, fileOfTheHouse) }))
	h := startHomeward(t, lab, build(t, lab.Dir), true)
	b := openBrowser(t, lab.Laptop)
	labnet.Eventually(t, 15*time.Second, "the router's port is open", func() bool { return len(lab.Mappings()) == 1 })
	b.claim(h.setupLink())
	for _, args := range [][]string{{"Anna's phone", "--kind", "phone"}, {"Ben's laptop", "--kind", "laptop", "--profile", "everything"}, {"Guest", "--access", "internet", "--expires", "7d"}, {"Living room TV", "--kind", "tv", "--access", "home"}} {
		if out, err := h.do(append([]string{"peers", "add"}, args...)...); err != nil {
			t.Fatal(out)
		}
	}
	config, err := h.do("peers", "config", "1")
	if err != nil {
		t.Fatal(config)
	}
	defer lab.PhoneUp([]byte(config))()
	labnet.Eventually(t, 15*time.Second, "the phone fetches the file", func() bool { return fetch(lab) == nil })
	base, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.origin"))
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("HOMEWARD_PICTURES")
	if dir == "" {
		dir = t.TempDir()
	}
	b.look(1000, "light")
	b.do("the way home is open", chromedp.Navigate(base+"/"), chromedp.WaitVisible(`[data-of="worst"][data-state="working"]`))
	b.picture(dir, "home", 1000, 1208)
	b.look(390, "dark")
	b.do("a device with its code", chromedp.Navigate(base+"/peers/2"), chromedp.WaitVisible("#code"))
	b.picture(dir, "code", 390, 844)
	b.checkClean(base)
	checkPictures(t, dir)
}

// picture keeps what is seen of the page in a window of that size.
func (b *browser) picture(dir, name string, width, height int64) {
	b.t.Helper()
	b.do("resizing", chromedp.EmulateViewport(width, height))
	quality := int64(70)
	var data []byte
	b.do("taking a picture", func(ctx context.Context, _ *chromedp.Target) (v chromedp.Void, err error) {
		got, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: &quality, Clip: &page.Viewport{Width: float64(width), Height: float64(height), Scale: 1}})
		data = got.Data
		return v, err
	})
	if err := os.WriteFile(filepath.Join(dir, name+".webp"), data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// The README shows what is there, and no picture lies about that nobody sees.
func TestTheReadmeShowsItsPictures(t *testing.T) {
	checkPictures(t, picturesFolder)
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(picturesFolder + "/*")
	if err != nil || len(files) != 2 {
		t.Errorf("%v, %v: want two pictures", files, err)
	}
	for _, f := range files {
		if name := "scripts/pictures/" + filepath.Base(f); strings.Count(string(readme), name) != 1 {
			t.Errorf("the README does not show %s once", name)
		}
	}
}

func checkPictures(t *testing.T, dir string) {
	t.Helper()
	total := 0
	for _, name := range []string{"home", "code"} {
		data, err := os.ReadFile(filepath.Join(dir, name+".webp"))
		if err != nil {
			t.Fatal(err)
		}
		if http.DetectContentType(data) != "image/webp" || len(data) < 4<<10 {
			t.Errorf("%s: %d bytes that are %s", name, len(data), http.DetectContentType(data))
		}
		total += len(data)
	}
	if total > maxPictures {
		t.Errorf("the pictures have %d bytes, want at most %d", total, maxPictures)
	}
	t.Logf("%d bytes", total)
}
