package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// SupportFile is how a support bundle of some day is called.
func SupportFile(at time.Time) string { return "homeward-support-" + at.Format(time.DateOnly) + ".zip" }

func (h handler) support(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	b, err := h.Support(r.Context(), now)
	if err != nil {
		h.fail(w, err)
		return
	}
	SendFile(w, "application/zip", SupportFile(now), b)
}

// maxSupport bounds a support bundle that a client takes, in bytes.
const maxSupport = 64 << 20

// Support fetches a support bundle: a ZIP file.
func (c *Client) Support(ctx context.Context) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://homeward/api/v1/support", nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unanswered(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return nil, answer(resp, nil)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxSupport))
	if err != nil {
		return nil, fmt.Errorf("receiving the support bundle: %w", err)
	}
	return b, nil
}
