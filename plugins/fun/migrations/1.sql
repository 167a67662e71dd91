CREATE TABLE polls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel INTEGER NOT NULL,
    message INTEGER,
    question TEXT NOT NULL,
    options TEXT NOT NULL,
    ends INTEGER NOT NULL
) STRICT;
CREATE INDEX polls_by_end ON polls (ends);
CREATE TABLE votes (
    poll INTEGER NOT NULL,
    user INTEGER NOT NULL,
    choice INTEGER NOT NULL,
    PRIMARY KEY (poll, user)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER votes_go_with_their_poll AFTER DELETE ON polls BEGIN
    DELETE FROM votes WHERE poll = old.id;
END;
CREATE TABLE reminders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    text TEXT NOT NULL,
    due INTEGER NOT NULL
) STRICT;
CREATE INDEX reminders_due ON reminders (due);
