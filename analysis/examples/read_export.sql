-- Ask a sweep's table of jobs in DuckDB (duckdb.org, not in Debian 12):
--
--   relin export FILE.h5 -o jobs.csv
--   duckdb < analysis/examples/read_export.sql
--
-- Types are found by themselves: K = inf is a double, what is missing NULL.
CREATE TABLE jobs AS SELECT * FROM read_csv_auto('jobs.csv', types = {'job_id': 'VARCHAR'});

-- paired by seed: every K starts from the same weights, data and batches
SELECT j.architecture, j.refresh_period AS K, count(*) AS n, avg(j.test_accuracy) AS mean,
       stddev_samp(j.test_accuracy) AS sd, 100 * avg(j.test_accuracy - b.test_accuracy) AS points_against_K1
FROM jobs j JOIN jobs b ON b.architecture = j.architecture AND b.seed = j.seed AND b.refresh_period = 1
WHERE j.outcome = 'completed' AND b.outcome = 'completed'
GROUP BY ALL ORDER BY j.architecture, K;
