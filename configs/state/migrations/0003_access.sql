-- What a peer may reach: everything, home or internet.
ALTER TABLE peers ADD COLUMN access TEXT NOT NULL DEFAULT 'everything';
