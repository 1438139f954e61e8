package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"homeward/web/account/internal/dbtx"
)

// setSecret stores a sealed secret that no code was entered for yet, unless the
// second step is on.
func (s store) setSecret(ctx context.Context, id int64, sealed []byte) error {
	r, err := s.db.ExecContext(ctx, `UPDATE admins SET totp_sealed = ?, totp_step = 0 WHERE id = ? AND totp_on = 0`, sealed, id)
	return dbtx.Changed(r, err, "storing the second step", ErrSecondStep)
}

// sealedSecret is nil where there is none. It is on as soon as a right code was entered.
func (s store) sealedSecret(ctx context.Context, id int64) (sealed []byte, on bool, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT totp_sealed, totp_on FROM admins WHERE id = ?`, id).Scan(&sealed, &on)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, false, fmt.Errorf("reading the second step: %w", err)
	}
	return sealed, on, nil
}

// switchOn lets the sealed secret and the recovery codes count from now on.
func (s store) switchOn(ctx context.Context, id int64, sealed []byte, step int64, recovery [][]byte) error {
	return dbtx.In(ctx, s.db, "switching the second step on", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE admins SET totp_on = 1, totp_step = ?, totp_changes = totp_changes + 1 WHERE id = ? AND totp_on = 0 AND totp_sealed = ?`, step, id, sealed)
		if err := dbtx.Changed(r, err, "switching the second step on", ErrSecondStep); err != nil {
			return err
		}
		return addRecovery(ctx, tx, id, recovery)
	})
}

// replaceRecovery lets other recovery codes count, unless the second step was
// switched off meanwhile.
func (s store) replaceRecovery(ctx context.Context, id int64, hashes [][]byte) error {
	return dbtx.In(ctx, s.db, "storing the recovery codes", func(tx *sql.Tx) error {
		var on bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM admins WHERE id = ? AND totp_on = 1)`, id).Scan(&on)
		if err == nil && !on {
			return ErrNoSecondStep
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM recovery_codes WHERE admin_id = ?`, id)
		}
		if err != nil {
			return fmt.Errorf("removing the recovery codes: %w", err)
		}
		return addRecovery(ctx, tx, id, hashes)
	})
}

// switchOff forgets everything about a user's second step.
func (s store) switchOff(ctx context.Context, id int64) error {
	return dbtx.In(ctx, s.db, "switching the second step off", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE admins SET totp_on = 0, totp_sealed = NULL, totp_step = 0, totp_changes = totp_changes + 1 WHERE id = ? AND totp_on = 1`, id)
		if err := dbtx.Changed(r, err, "switching the second step off", ErrNoSecondStep); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM recovery_codes WHERE admin_id = ?`, id); err != nil {
			return fmt.Errorf("removing the recovery codes: %w", err)
		}
		return nil
	})
}

// useStep uses a time step's code up, and all before it: of two at the same time one
// wins. It fails with ErrWrongCode.
func (s store) useStep(ctx context.Context, id, step int64) error {
	r, err := s.db.ExecContext(ctx, `UPDATE admins SET totp_step = ? WHERE id = ? AND totp_on = 1 AND totp_step < ?`, step, id, step)
	return dbtx.Changed(r, err, "storing the time of a code", ErrWrongCode)
}

// useRecovery uses a recovery code up. It fails with ErrWrongCode.
func (s store) useRecovery(ctx context.Context, id int64, hash []byte) error {
	r, err := s.db.ExecContext(ctx, `DELETE FROM recovery_codes WHERE admin_id = ? AND hash = ?`, id, hash)
	return dbtx.Changed(r, err, "using a recovery code up", ErrWrongCode)
}

func (s store) recoveryLeft(ctx context.Context, id int64) (n int, err error) {
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM recovery_codes WHERE admin_id = ?`, id).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting the recovery codes: %w", err)
	}
	return n, nil
}

func addRecovery(ctx context.Context, tx *sql.Tx, id int64, hashes [][]byte) error {
	for _, hash := range hashes {
		if _, err := tx.ExecContext(ctx, `INSERT INTO recovery_codes (admin_id, hash) VALUES (?, ?)`, id, hash); err != nil {
			return fmt.Errorf("storing a recovery code: %w", err)
		}
	}
	return nil
}
