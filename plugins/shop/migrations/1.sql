CREATE TABLE purchases (
    number TEXT PRIMARY KEY,
    buyer INTEGER NOT NULL,
    item TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX purchases_by_buyer ON purchases (buyer);
