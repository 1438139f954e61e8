package house

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"sync/atomic"
)

// Keeper owns the settings of the house.
type Keeper struct {
	store  store
	now    atomic.Pointer[Settings] // never changed, only replaced
	change sync.Mutex               // makes one change after the other; held over the store
}

// New reads what is stored in db, which has the table house. What makes no sense is
// logged and at its default.
func New(ctx context.Context, db *sql.DB, log *slog.Logger) (*Keeper, error) {
	k := &Keeper{store: store{db}}
	rows, err := k.store.load(ctx)
	if err != nil {
		return nil, err
	}
	var s Settings
	for setting, value := range rows {
		next, err := s.with(setting, value)
		if err != nil {
			log.Warn("a setting of the house is not usable and at its default", "setting", setting, "err", err)
		}
		s = next
	}
	k.now.Store(&s)
	return k, nil
}

// Settings are those of this moment. Nobody may change what they point to.
func (k *Keeper) Settings() Settings { return *k.now.Load() }

// Change stores what edit makes of the settings, or nothing: edit's error, or a
// *peers.FieldError of what it made. When it returns nil, the change is on the disk
// and counts.
func (k *Keeper) Change(ctx context.Context, edit func(*Settings) error) error {
	k.change.Lock()
	defer k.change.Unlock()
	next := k.Settings()
	if err := edit(&next); err != nil {
		return err
	}
	if err := next.Check(); err != nil {
		return err
	}
	if err := k.store.save(ctx, next.rows()); err != nil {
		return err
	}
	k.now.Store(&next)
	return nil
}
