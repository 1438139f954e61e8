-- The keys of a code that was handed out to take the place of a peer's present
-- one, until its first handshake.
CREATE TABLE peer_next_keys (
	peer_id       INTEGER PRIMARY KEY REFERENCES peers (id) ON DELETE CASCADE,
	public_key    BLOB    NOT NULL UNIQUE CHECK (length(public_key) = 32),
	preshared_key BLOB    NOT NULL CHECK (length(preshared_key) = 32),
	created_unix  INTEGER NOT NULL
) STRICT;
