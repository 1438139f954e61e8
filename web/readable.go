package web

import (
	"context"
	"log/slog"

	"github.com/alexedwards/scs/v2"

	"homeward/web/account"
)

// readable are the sessions without those that cannot be decoded, as after a restore
// of something damaged. Whoever has one logs in again; nobody else is held up by it,
// as by the session manager, which stops at the first.
type readable struct {
	account.SessionStore
	codec scs.Codec
	log   *slog.Logger
}

func (s readable) ok(data []byte) bool {
	_, _, err := s.codec.Decode(data)
	if err != nil {
		s.log.Warn("a session in the database cannot be read and counts as ended", "err", err)
	}
	return err == nil
}

// FindCtx implements scs.CtxStore.
func (s readable) FindCtx(ctx context.Context, hash string) ([]byte, bool, error) {
	data, found, err := s.SessionStore.FindCtx(ctx, hash)
	if err != nil || !found || !s.ok(data) {
		return nil, false, err
	}
	return data, true, nil
}

// AllCtx implements scs.IterableCtxStore.
func (s readable) AllCtx(ctx context.Context) (map[string][]byte, error) {
	all, err := s.SessionStore.AllCtx(ctx)
	for hash, data := range all {
		if !s.ok(data) {
			delete(all, hash)
		}
	}
	return all, err
}
