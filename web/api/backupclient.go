package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
)

// Backup says what there is of backups.
func (c *Client) Backup(ctx context.Context) (BackupState, error) {
	var s BackupState
	err := c.call(ctx, "GET", "/api/v1/backup", nil, &s)
	return s, err
}

// MakeBackup writes a backup to w. What was written is worth nothing when it fails.
func (c *Client) MakeBackup(ctx context.Context, in BackupWanted, w io.Writer) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return c.long(ctx, "/api/v1/backup", "application/json", bytes.NewReader(b), func(r *http.Response) error {
		if _, err := io.Copy(w, r.Body); err != nil {
			return fmt.Errorf("receiving the backup: %w", err)
		}
		return nil
	})
}

// NewRecoveryCode makes a recovery code.
func (c *Client) NewRecoveryCode(ctx context.Context, replace bool) (RecoveryCode, error) {
	var code RecoveryCode
	err := c.call(ctx, "POST", "/api/v1/backup/recovery-code", RecoveryWanted{replace}, &code)
	return code, err
}

// SetNightlyBackup chooses where a backup is written every night.
func (c *Client) SetNightlyBackup(ctx context.Context, in NightlyWanted) (BackupState, error) {
	var s BackupState
	err := c.call(ctx, "PUT", "/api/v1/backup/nightly", in, &s)
	return s, err
}

// StopNightlyBackup ends it.
func (c *Client) StopNightlyBackup(ctx context.Context) error {
	return c.call(ctx, "DELETE", "/api/v1/backup/nightly", nil, nil)
}

// Restore has homeward verify a sealed backup and, unless it is only to look, put it
// in place and start again.
func (c *Client) Restore(ctx context.Context, key string, sealed io.Reader, look bool) (Restored, error) {
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	err := form.WriteField("key", key)
	if look && err == nil {
		err = form.WriteField("look", "yes")
	}
	if err == nil {
		_, err = form.CreateFormFile("file", "backup")
	}
	if err != nil {
		return Restored{}, err
	}
	end := "\r\n--" + form.Boundary() + "--\r\n"
	var done Restored
	err = c.long(ctx, RestorePath, form.FormDataContentType(), io.MultiReader(&head, sealed, bytes.NewReader([]byte(end))), func(r *http.Response) error {
		return answer(r, &done)
	})
	return done, err
}

// long posts what takes its time, either way: only ctx bounds it.
func (c *Client) long(ctx context.Context, path, contentType string, body io.Reader, read func(*http.Response) error) error {
	req, err := http.NewRequestWithContext(ctx, "POST", "http://homeward"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	patient := c.http
	patient.Timeout = 0
	resp, err := patient.Do(req)
	if err != nil {
		return c.unanswered(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return answer(resp, nil)
	}
	return read(resp)
}
