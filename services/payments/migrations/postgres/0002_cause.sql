-- Which trace and which user action began a payment: what follows later without a request belongs to them.
ALTER TABLE payment ADD COLUMN traceparent TEXT;
ALTER TABLE payment ADD COLUMN correlation_id TEXT;
