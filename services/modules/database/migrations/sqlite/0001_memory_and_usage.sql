-- AUTOINCREMENT: an id is never given twice, so the order of ids is the order
-- of writing also after the newest rows were deleted.
CREATE TABLE exchanges (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hardware_id TEXT NOT NULL,
    -- Milliseconds since 1970 UTC.
    at_ms INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    reply TEXT NOT NULL,
    -- Of both texts in UTF-8.
    bytes INTEGER NOT NULL
);
CREATE INDEX exchanges_by_device ON exchanges (hardware_id, id);
CREATE INDEX exchanges_by_age ON exchanges (at_ms);

CREATE TABLE usage_reports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hardware_id TEXT NOT NULL,
    session_id TEXT,
    at_ms INTEGER NOT NULL,
    source TEXT NOT NULL,
    model TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL
);
CREATE INDEX usage_reports_by_device ON usage_reports (hardware_id, at_ms);
