CREATE TABLE identity (
	id           INTEGER PRIMARY KEY CHECK (id = 1),
	private_key  BLOB    NOT NULL CHECK (length(private_key) = 32),
	listen_port  INTEGER NOT NULL CHECK (listen_port BETWEEN 1 AND 65535),
	instance     TEXT    NOT NULL,
	prefix4      TEXT    NOT NULL,
	prefix6      TEXT    NOT NULL,
	created_unix INTEGER NOT NULL
) STRICT;

CREATE TABLE peers (
	id                INTEGER PRIMARY KEY AUTOINCREMENT,
	name              TEXT    NOT NULL,
	name_folded       TEXT    NOT NULL UNIQUE,
	profile           TEXT    NOT NULL,
	public_key        BLOB    NOT NULL UNIQUE CHECK (length(public_key) = 32),
	preshared_key     BLOB    NOT NULL CHECK (length(preshared_key) = 32),
	keepalive_seconds INTEGER NOT NULL,
	enabled           INTEGER NOT NULL CHECK (enabled IN (0, 1)),
	created_unix      INTEGER NOT NULL,
	version           INTEGER NOT NULL
) STRICT;

CREATE TABLE peer_addresses (
	address TEXT    PRIMARY KEY,
	peer_id INTEGER NOT NULL REFERENCES peers (id) ON DELETE CASCADE,
	family  INTEGER NOT NULL CHECK (family IN (4, 6))
) STRICT;
CREATE INDEX peer_addresses_by_peer ON peer_addresses (peer_id);

CREATE TABLE admins (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	name          TEXT    NOT NULL UNIQUE,
	password_hash TEXT    NOT NULL,
	created_unix  INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
	token_hash   TEXT    PRIMARY KEY,
	data         BLOB    NOT NULL,
	expires_unix INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_expiry ON sessions (expires_unix);
