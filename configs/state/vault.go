package state

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	"homeward/configs/secret"
)

// vaultKeyFile holds the key of the vault. It is a file of its own, so that a
// copy of the database alone, such as a snapshot in a report, tells no password.
const vaultKeyFile = "vault.key"

// Keep seals a value and stores it under name, in place of the one before.
func (s *State) Keep(ctx context.Context, name string, value []byte) error {
	box, err := s.Box()
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, `INSERT INTO vault (name, sealed) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed`, name, box.Seal(name, value))
	if err != nil {
		return fmt.Errorf("storing %s: %w", name, err)
	}
	return nil
}

// Kept gives back the value under name; ok is false when there is none. An error
// that wraps secret.ErrSealed means that vault.key is not the one of before.
func (s *State) Kept(ctx context.Context, name string) (value []byte, ok bool, err error) {
	var sealed []byte
	err = s.db.QueryRowContext(ctx, `SELECT sealed FROM vault WHERE name = ?`, name).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	var box secret.Box
	if err == nil {
		box, err = s.Box()
	}
	if err == nil {
		value, err = box.Open(name, sealed)
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading %s: %w", name, err)
	}
	return value, true, nil
}

// Forget removes the value under name, if there is one.
func (s *State) Forget(ctx context.Context, name string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM vault WHERE name = ?`, name); err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	return nil
}

// Box seals what is kept outside of the vault. It reads the vault's key, and makes
// it when there is none.
func (s *State) Box() (secret.Box, error) {
	s.vaultMu.Lock()
	defer s.vaultMu.Unlock()
	key, ok, err := s.ReadFile(vaultKeyFile)
	if err != nil {
		return secret.Box{}, err
	}
	if !ok {
		key = make([]byte, secret.BoxKeySize)
		rand.Read(key) // never fails (crypto/rand)
		if err := s.WriteFile(vaultKeyFile, key); err != nil {
			return secret.Box{}, err
		}
	}
	box, err := secret.NewBox(key)
	if err != nil {
		return secret.Box{}, fmt.Errorf("%s is damaged: put it back from a backup, or remove it and enter what it sealed again: %w", s.Path(vaultKeyFile), err)
	}
	return box, nil
}
