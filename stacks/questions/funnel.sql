-- How far the payments came, up to now, that were created on the days asked for. Parameters: the day from which
-- events are read (the day before the first), first and last day of creation, in India.
SELECT count(*) AS created,
       count(*) FILTER (WHERE stage >= 2) AS pending,
       count(*) FILTER (WHERE stage >= 3) AS authorized,
       count(*) FILTER (WHERE stage >= 4) AS captured,
       count(*) FILTER (WHERE stage >= 5) AS settled
  FROM (SELECT payment_id,
               max(CASE WHEN news = 'PaymentSettled' THEN 5
                        WHEN news = 'PaymentCaptured' THEN 4
                        WHEN news IN ('PaymentAuthorized', 'PaymentConflicted') THEN 3
                        WHEN news IN ('PaymentPending', 'PaymentFailed', 'PaymentAttemptFailed') THEN 2
                        WHEN news IN ('PaymentCreated', 'PaymentOutcomeUnknown') THEN 1 END) AS stage
          FROM history
         WHERE dt >= ?
           AND CAST(from_iso8601_timestamp(created_at) AT TIME ZONE 'Asia/Kolkata' AS date)
               BETWEEN date(?) AND date(?)
         GROUP BY payment_id) AS reached
 WHERE stage IS NOT NULL
