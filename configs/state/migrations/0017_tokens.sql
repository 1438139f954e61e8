-- Programs come in by a token that somebody made for them. They end with the user.
CREATE TABLE tokens (
	id           INTEGER PRIMARY KEY AUTOINCREMENT, -- never another's, for who revokes it late
	admin_id     INTEGER NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
	name         TEXT    NOT NULL,
	name_folded  TEXT    NOT NULL,
	hash         BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32), -- SHA-256 of the token
	scopes       TEXT    NOT NULL, -- separated by spaces
	created_unix INTEGER NOT NULL,
	used_unix    INTEGER NOT NULL DEFAULT 0, -- to the hour; 0: never
	expires_unix INTEGER NOT NULL DEFAULT 0, -- 0: when it is revoked
	UNIQUE (admin_id, name_folded)
) STRICT;
