-- Schema 21, with a home in it.
PRAGMA user_version = 21;
CREATE TABLE identity (
	id           INTEGER PRIMARY KEY CHECK (id = 1),
	private_key  BLOB    NOT NULL CHECK (length(private_key) = 32),
	listen_port  INTEGER NOT NULL CHECK (listen_port BETWEEN 1 AND 65535),
	instance     TEXT    NOT NULL,
	prefix4      TEXT    NOT NULL,
	prefix6      TEXT    NOT NULL,
	created_unix INTEGER NOT NULL
, other_port INTEGER NOT NULL DEFAULT 0 CHECK (other_port BETWEEN 0 AND 65535)) STRICT;
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
, access TEXT NOT NULL DEFAULT 'everything', kind TEXT NOT NULL DEFAULT 'other', note TEXT NOT NULL DEFAULT '', dns INTEGER NOT NULL DEFAULT 1 CHECK (dns IN (0, 1)), expires_unix INTEGER NOT NULL DEFAULT 0, idle_days INTEGER NOT NULL DEFAULT 0, idle_from_unix INTEGER NOT NULL DEFAULT 0, idled_out INTEGER NOT NULL DEFAULT 0 CHECK (idled_out IN (0, 1)), seen_unix INTEGER NOT NULL DEFAULT 0, allowed_ips TEXT NOT NULL DEFAULT '', resolvers TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE peer_addresses (
	address TEXT    PRIMARY KEY,
	peer_id INTEGER NOT NULL REFERENCES peers (id) ON DELETE CASCADE,
	family  INTEGER NOT NULL CHECK (family IN (4, 6))
) STRICT;
CREATE TABLE admins (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	name          TEXT    NOT NULL UNIQUE,
	password_hash TEXT    NOT NULL,
	created_unix  INTEGER NOT NULL
, role TEXT NOT NULL DEFAULT 'admin' CHECK (role IN ('admin', 'viewer')), totp_sealed BLOB, totp_on INTEGER NOT NULL DEFAULT 0 CHECK (totp_on IN (0, 1)), totp_step INTEGER NOT NULL DEFAULT 0, totp_changes INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE sessions (
	token_hash   TEXT    PRIMARY KEY,
	data         BLOB    NOT NULL,
	expires_unix INTEGER NOT NULL
) STRICT;
CREATE TABLE peer_next_keys (
	peer_id       INTEGER PRIMARY KEY REFERENCES peers (id) ON DELETE CASCADE,
	public_key    BLOB    NOT NULL UNIQUE CHECK (length(public_key) = 32),
	preshared_key BLOB    NOT NULL CHECK (length(preshared_key) = 32),
	created_unix  INTEGER NOT NULL
) STRICT;
CREATE TABLE vault (
	name   TEXT PRIMARY KEY,
	sealed BLOB NOT NULL
) STRICT;
CREATE TABLE router_notes (
	gateway     TEXT    NOT NULL,
	client      TEXT    NOT NULL,
	port        INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
	via         TEXT    NOT NULL,
	router      TEXT    NOT NULL,
	description TEXT    NOT NULL,
	nonce       BLOB    NOT NULL CHECK (length(nonce) = 12),
	until_unix  INTEGER NOT NULL,
	PRIMARY KEY (gateway, client, port, via)
) STRICT;
CREATE TABLE issued_configs (
	public_key  BLOB    PRIMARY KEY CHECK (length(public_key) = 32),
	peer_id     INTEGER NOT NULL REFERENCES peers (id) ON DELETE CASCADE,
	said        TEXT    NOT NULL,
	issued_unix INTEGER NOT NULL
) STRICT;
CREATE TABLE forwards (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	name         TEXT    NOT NULL,
	protocol     TEXT    NOT NULL CHECK (protocol IN ('TCP', 'UDP')),
	external     INTEGER NOT NULL CHECK (external BETWEEN 1 AND 65535),
	count        INTEGER NOT NULL CHECK (count >= 1 AND external + count <= 65536),
	machine      TEXT    NOT NULL,
	internal     INTEGER NOT NULL CHECK (internal BETWEEN 1 AND 65535),
	enabled      INTEGER NOT NULL CHECK (enabled IN (0, 1)),
	created_unix INTEGER NOT NULL
) STRICT;
CREATE TABLE invites (
	peer_id      INTEGER PRIMARY KEY REFERENCES peers (id) ON DELETE CASCADE,
	token_hash   BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
	expires_unix INTEGER NOT NULL
) STRICT;
CREATE TABLE peer_traffic (
	step_seconds INTEGER NOT NULL CHECK (step_seconds IN (300, 3600, 86400)),
	at_unix      INTEGER NOT NULL,
	peer_id      INTEGER NOT NULL,
	received     INTEGER NOT NULL,
	sent         INTEGER NOT NULL,
	PRIMARY KEY (step_seconds, at_unix, peer_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE peers_with_traffic (peer_id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE peer_sessions (
	peer_id    INTEGER NOT NULL REFERENCES peers (id) ON DELETE CASCADE,
	first_unix INTEGER NOT NULL,
	last_unix  INTEGER NOT NULL,
	place      TEXT    NOT NULL, -- a network, never an address
	home       INTEGER NOT NULL CHECK (home IN (0, 1)),
	PRIMARY KEY (peer_id, first_unix)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
	id        INTEGER PRIMARY KEY,
	at_unix   INTEGER NOT NULL,
	last_unix INTEGER NOT NULL,
	count     INTEGER NOT NULL,
	kind      TEXT    NOT NULL,
	peer_id   INTEGER NOT NULL, -- 0: none
	name      TEXT    NOT NULL,
	actor     TEXT    NOT NULL,
	cause     TEXT    NOT NULL,
	place     TEXT    NOT NULL,
	detail    TEXT    NOT NULL
) STRICT;
CREATE TABLE recovery_codes (
	admin_id INTEGER NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
	hash     BLOB    NOT NULL CHECK (length(hash) = 32),
	PRIMARY KEY (admin_id, hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE house (
	setting TEXT PRIMARY KEY,
	value   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE peer_removals (
	peer_id INTEGER PRIMARY KEY REFERENCES peers (id) ON DELETE CASCADE,
	at_unix INTEGER NOT NULL
) STRICT;
CREATE TABLE by_hand (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	-- Since when he forwards homeward's port himself; 0: he doesn't.
	forwarded_unix INTEGER NOT NULL DEFAULT 0,
	-- The router's brand, as the guide has it; empty: not known. He chose it, or the
	-- router said it.
	brand  TEXT NOT NULL DEFAULT '',
	chosen INTEGER NOT NULL DEFAULT 0 CHECK (chosen IN (0, 1))
) STRICT;
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
CREATE TABLE proven_place (
	id      INTEGER PRIMARY KEY CHECK (id = 1),
	address TEXT    NOT NULL,
	port    INTEGER NOT NULL CHECK (port BETWEEN 0 AND 65535),
	gateway TEXT    NOT NULL,
	router  TEXT    NOT NULL
) STRICT;
CREATE TABLE proven (
	kind    TEXT    NOT NULL,
	six     INTEGER NOT NULL CHECK (six IN (0, 1)),
	at_unix INTEGER NOT NULL,
	network TEXT    NOT NULL,
	PRIMARY KEY (kind, six)
) STRICT;
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
CREATE TABLE kept_codes (
	peer_id    INTEGER PRIMARY KEY REFERENCES peers (id) ON DELETE CASCADE,
	public_key BLOB    NOT NULL CHECK (length(public_key) = 32),
	sealed     BLOB    NOT NULL
) STRICT;
CREATE INDEX peer_addresses_by_peer ON peer_addresses (peer_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_unix);
CREATE INDEX issued_configs_by_peer ON issued_configs (peer_id);
INSERT INTO identity VALUES (1, X'A0B1C2D3E4F5061728394A5B6C7D8E9F0A1B2C3D4E5F60718293A4B5C6D7E8F0', 41234, 'c0ffee00', '10.77.9.0/24', 'fd12:3456:789a:9::/64', 1700000000, 0);
INSERT INTO peers VALUES (1, 'Anna''s phone', 'anna''s phone', 'home', X'1111111111111111111111111111111111111111111111111111111111111111', X'2222222222222222222222222222222222222222222222222222222222222222', 25, 1, 1700000100, 1, 'everything', 'other', '', 1, 0, 0, 1795954456, 0, 0, '', '');
INSERT INTO peers VALUES (3, 'Телефон 📱', 'телефон 📱', 'everything', X'3333333333333333333333333333333333333333333333333333333333333333', X'4444444444444444444444444444444444444444444444444444444444444444', 0, 0, 1700000200, 7, 'everything', 'other', '', 1, 0, 0, 1795954456, 0, 0, '', '');
INSERT INTO peer_addresses VALUES ('10.77.9.2', 1, 4);
INSERT INTO peer_addresses VALUES ('fd12:3456:789a:9::2', 1, 6);
INSERT INTO peer_addresses VALUES ('10.77.9.4', 3, 4);
INSERT INTO peer_addresses VALUES ('fd12:3456:789a:9::4', 3, 6);
INSERT INTO admins VALUES (1, 'admin', '$argon2id$not-a-real-one', 1700000300, 'admin', NULL, 0, 0, 0);
