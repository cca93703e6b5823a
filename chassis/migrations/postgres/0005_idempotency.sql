-- What is known about requests that carried an Idempotency-Key. Without `status` the request is still at work, and the key
-- is its own until `free_at`; with it the rest is its answer, which is given again until `free_at`. After that the key is
-- as good as new, whether the row is still there or not.
CREATE TABLE idempotency (
    -- Over who asks, the method, the route's template and the key.
    id BYTEA PRIMARY KEY,
    -- Over the request itself.
    fingerprint BYTEA NOT NULL,
    -- Which of the requests with this key may write the answer.
    fence UUID NOT NULL,
    reserved_at TIMESTAMPTZ NOT NULL,
    free_at TIMESTAMPTZ NOT NULL,
    status BIGINT,
    headers JSONB,
    body BYTEA,
    CONSTRAINT idempotency_answer_whole CHECK ((status IS NULL) = (headers IS NULL) AND (status IS NULL) = (body IS NULL))
);

CREATE INDEX idempotency_free_at ON idempotency (free_at);
