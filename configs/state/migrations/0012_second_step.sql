-- Logging in may take a second step: a code of an authenticator app (RFC 6238).
ALTER TABLE admins ADD COLUMN totp_sealed BLOB; -- sealed with vault.key; NULL: there is none
ALTER TABLE admins ADD COLUMN totp_on INTEGER NOT NULL DEFAULT 0 CHECK (totp_on IN (0, 1)); -- 0: no right code was entered yet
ALTER TABLE admins ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0; -- of the last code that was taken
ALTER TABLE admins ADD COLUMN totp_changes INTEGER NOT NULL DEFAULT 0; -- how often it was switched

CREATE TABLE recovery_codes (
	admin_id INTEGER NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
	hash     BLOB    NOT NULL CHECK (length(hash) = 32),
	PRIMARY KEY (admin_id, hash)
) STRICT, WITHOUT ROWID;
