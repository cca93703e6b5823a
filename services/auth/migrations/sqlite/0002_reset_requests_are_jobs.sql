-- Requests for a link to set a new password are queued jobs now.
DROP TABLE password_reset_requests;
