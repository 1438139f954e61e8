-- What the owner said of the router, and what was seen of it: one row, or none.
CREATE TABLE by_hand (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	-- Since when he forwards homeward's port himself; 0: he doesn't.
	forwarded_unix INTEGER NOT NULL DEFAULT 0,
	-- The router's brand, as the guide has it; empty: not known. He chose it, or the
	-- router said it.
	brand  TEXT NOT NULL DEFAULT '',
	chosen INTEGER NOT NULL DEFAULT 0 CHECK (chosen IN (0, 1))
) STRICT;
