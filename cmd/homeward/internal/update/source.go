package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// Source is where a release lies.
type Source interface {
	// Open opens one file of the release, by its bare name.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
}

// NewSource takes a folder, or the address of one.
func NewSource(from string) (Source, error) {
	if !strings.Contains(from, "://") {
		if info, err := os.Stat(from); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("finding the release: %q is neither a folder nor an address", from)
		}
		return folder(from), nil
	}
	u, err := url.Parse(from)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("finding the release: %.200q is not an address", from)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !private(u.Hostname())) {
		return nil, fmt.Errorf("finding the release: %.200q must begin with https://", from)
	}
	return site{u, &http.Client{Timeout: downloadTime, CheckRedirect: sameScheme}}, nil
}

// downloadTime bounds one file: a program by the slowest line at home.
const downloadTime = 20 * time.Minute

// private says whether host is an address at home.
func private(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && (a.IsPrivate() || a.IsLoopback())
}

func sameScheme(r *http.Request, via []*http.Request) error {
	if len(via) > 5 || r.URL.Scheme != via[0].URL.Scheme {
		return errors.New("the redirection leads nowhere good")
	}
	return nil
}

type folder string

func (f folder) Open(_ context.Context, name string) (io.ReadCloser, error) {
	r, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Open(name)
}

type site struct {
	base   *url.URL
	client *http.Client
}

func (s site) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base.JoinPath(name).String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%s: the server says %d", req.URL, resp.StatusCode)
	}
	return resp.Body, nil
}

// readAll reads a small file of the release whole.
func readAll(ctx context.Context, s Source, name string, most int64) ([]byte, error) {
	r, err := s.Open(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("reading %s: it has more than %d bytes", name, most)
	}
	return data, nil
}
