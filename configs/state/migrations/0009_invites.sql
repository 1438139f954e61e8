-- Links that hand out a new code of a peer once. Only the hash of a link is kept.
CREATE TABLE invites (
	peer_id      INTEGER PRIMARY KEY REFERENCES peers (id) ON DELETE CASCADE,
	token_hash   BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
	expires_unix INTEGER NOT NULL
) STRICT;
