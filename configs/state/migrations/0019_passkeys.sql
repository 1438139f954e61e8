-- Passkeys (WebAuthn) are a whole login on the page under one name. They end with the user.
CREATE TABLE passkeys (
	id            INTEGER PRIMARY KEY AUTOINCREMENT, -- never another's
	admin_id      INTEGER NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
	name          TEXT    NOT NULL,
	site          TEXT    NOT NULL, -- the page's name that it counts for
	credential_id BLOB    NOT NULL UNIQUE,
	credential    TEXT    NOT NULL, -- its public key and counter, as JSON: nothing secret
	created_unix  INTEGER NOT NULL,
	used_unix     INTEGER NOT NULL DEFAULT 0 -- 0: never
) STRICT;
