CREATE TABLE exchanges (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hardware_id TEXT NOT NULL,
    -- Milliseconds since 1970 UTC.
    at_ms BIGINT NOT NULL,
    prompt TEXT NOT NULL,
    reply TEXT NOT NULL,
    -- Of both texts in UTF-8.
    bytes BIGINT NOT NULL
);
CREATE INDEX exchanges_by_device ON exchanges (hardware_id, id);
CREATE INDEX exchanges_by_age ON exchanges (at_ms);

CREATE TABLE usage_reports (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hardware_id TEXT NOT NULL,
    session_id TEXT,
    at_ms BIGINT NOT NULL,
    source TEXT NOT NULL,
    model TEXT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL
);
CREATE INDEX usage_reports_by_device ON usage_reports (hardware_id, at_ms);
