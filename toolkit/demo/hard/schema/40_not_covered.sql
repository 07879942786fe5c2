-- What no backup holds.

CREATE VIEW "Number view" AS SELECT id, exact FROM numbers;
CREATE MATERIALIZED VIEW busy_days AS SELECT day, count(*) AS readings FROM readings GROUP BY day;
