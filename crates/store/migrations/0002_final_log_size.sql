-- Size of the log when a key was retired: it signed nothing beyond, so a stolen retired key cannot extend the log.
ALTER TABLE signing_keys ADD COLUMN final_log_size BIGINT;
