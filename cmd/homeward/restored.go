package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/cmd/homeward/internal/backups"
	"homeward/cmd/homeward/internal/house"
	"homeward/configs/backup"
	"homeward/configs/secret"
	"homeward/configs/state"
	"homeward/peers"
	"homeward/upnp/forwards"
	"homeward/web/api"
)

// restoreBackup verifies a backup in a staging and, unless it is only to look, commits
// it.
func restoreBackup(ctx context.Context, staging *state.Staging, sealed io.Reader, key string, look bool, log *slog.Logger) (api.Restored, error) {
	found, restoring, err := verifyBackup(ctx, staging, sealed, key, log)
	if err != nil {
		return api.Restored{}, err
	}
	if look {
		return found, restoring.Close()
	}
	return commitBackup(found, restoring)
}

// verifyBackup reads all of a backup into a staging, and says what is in it. What it
// returns has to be closed or committed; when it fails, the staging is closed.
func verifyBackup(ctx context.Context, staging *state.Staging, sealed io.Reader, key string, log *slog.Logger) (found api.Restored, _ *backup.Restoring, err error) {
	check := func(ctx context.Context, m backup.Manifest, st *state.State) (err error) {
		if found, err = checkRestored(ctx, st, log); err == nil {
			err = backups.Restored(ctx, st, m.Made)
		}
		return err
	}
	r, err := backup.Restore(ctx, staging, sealed, secret.NewText(key), check, log)
	if err != nil {
		return api.Restored{}, nil, err
	}
	found.Made, found.Homeward = r.Manifest.Made, r.Manifest.Homeward
	return found, r, nil
}

// commitBackup puts what was verified in place.
func commitBackup(found api.Restored, r *backup.Restoring) (_ api.Restored, err error) {
	defer func() { err = errors.Join(err, r.Close()) }()
	found.Aside, err = r.Commit()
	return found, err
}

// checkRestored has the parts read what was restored: each judges its own. It returns
// what people know it by, and nothing that opens anything.
func checkRestored(ctx context.Context, st *state.State, log *slog.Logger) (api.Restored, error) {
	m, err := peers.New(ctx, peers.Config{DB: st.DB(), Device: noDevice{}, Facts: func() peers.Facts { return peers.Facts{} }, Logger: log})
	if err == nil {
		_, err = forwards.New(ctx, forwards.Config{DB: st.DB()})
	}
	if err != nil {
		return api.Restored{}, fmt.Errorf("%w: %w", state.ErrCorrupt, err)
	}
	id, err := st.EnsureIdentity(ctx, func() (state.Plan, error) { return state.Plan{}, state.ErrCorrupt })
	if err != nil {
		return api.Restored{}, err
	}
	h, err := house.New(ctx, st.DB(), log)
	if err != nil {
		return api.Restored{}, fmt.Errorf("%w: %w", state.ErrCorrupt, err)
	}
	set := h.Settings()
	return api.Restored{
		Devices: len(m.List()), House: set.Name, Endpoint: cmp.Or(m.Called(), set.Endpoint),
		PublicKey: id.PrivateKey.Public().String(), Port: id.ListenPort, Networks: []string{id.Plan.V4.String(), id.Plan.V6.String()},
	}, nil
}

// noDevice is for peers that are only read.
type noDevice struct{}

func (noDevice) SetPeers([]peers.DevicePeer) error        { return nil }
func (noDevice) Observed() map[wgtypes.Key]peers.Observed { return nil }
