CREATE TABLE accounts (
    owner INTEGER PRIMARY KEY,
    coins INTEGER NOT NULL CHECK (coins >= 0)
) STRICT;

-- What another plugin has asked for under a number of its own: asked twice, it is done once.
CREATE TABLE orders (
    plugin TEXT NOT NULL,
    number TEXT NOT NULL,
    PRIMARY KEY (plugin, number)
) STRICT, WITHOUT ROWID;
