-- Peers that are removed at a time which is near, unless somebody thinks better of it.
CREATE TABLE peer_removals (
	peer_id INTEGER PRIMARY KEY REFERENCES peers (id) ON DELETE CASCADE,
	at_unix INTEGER NOT NULL
) STRICT;
