-- The full record of a peer: what it is, how long it may come in, and when it
-- was here last (to about an hour). Times are Unix seconds, 0 means never.
ALTER TABLE peers ADD COLUMN kind TEXT NOT NULL DEFAULT 'other';
ALTER TABLE peers ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE peers ADD COLUMN dns INTEGER NOT NULL DEFAULT 1 CHECK (dns IN (0, 1));
ALTER TABLE peers ADD COLUMN expires_unix INTEGER NOT NULL DEFAULT 0;
ALTER TABLE peers ADD COLUMN idle_days INTEGER NOT NULL DEFAULT 0;
-- Idle days are counted from here or from the last time it was here.
ALTER TABLE peers ADD COLUMN idle_from_unix INTEGER NOT NULL DEFAULT 0;
ALTER TABLE peers ADD COLUMN idled_out INTEGER NOT NULL DEFAULT 0 CHECK (idled_out IN (0, 1));
ALTER TABLE peers ADD COLUMN seen_unix INTEGER NOT NULL DEFAULT 0;
-- Peers from before this schema have been idle for nobody knows how long.
UPDATE peers SET idle_from_unix = unixepoch();
