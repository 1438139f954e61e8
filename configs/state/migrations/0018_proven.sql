-- Where home was when the way in was proven last: one row, or none. An empty address
-- means that the router told none.
CREATE TABLE proven_place (
	id      INTEGER PRIMARY KEY CHECK (id = 1),
	address TEXT    NOT NULL,
	port    INTEGER NOT NULL CHECK (port BETWEEN 0 AND 65535),
	gateway TEXT    NOT NULL,
	router  TEXT    NOT NULL
) STRICT;
-- What proved it, of each kind and family the latest. network is all that is kept of who
-- it was; empty: not known.
CREATE TABLE proven (
	kind    TEXT    NOT NULL,
	six     INTEGER NOT NULL CHECK (six IN (0, 1)),
	at_unix INTEGER NOT NULL,
	network TEXT    NOT NULL,
	PRIMARY KEY (kind, six)
) STRICT;
