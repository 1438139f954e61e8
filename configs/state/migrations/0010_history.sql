-- What happened: traffic of peers, when they were here, and events. Times are
-- Unix seconds. Rows of traffic lie by time, since those of one interval are
-- written together; they follow a peer that is removed by other means than a key.
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

-- Events keep the name of a peer that is removed.
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
