CREATE TABLE warnings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guild INTEGER NOT NULL,
    member INTEGER NOT NULL,
    moderator INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX warnings_of_members ON warnings (guild, member);
