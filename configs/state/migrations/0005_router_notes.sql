-- What was asked of routers, and may be there after a crash. until_unix 0: not
-- known, or never.
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
