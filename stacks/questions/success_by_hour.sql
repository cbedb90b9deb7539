-- Payments created and attempts that ended, by hour of the day. Parameters: first day, last day, in India.
SELECT hour(from_iso8601_timestamp(occurred_at) AT TIME ZONE 'Asia/Kolkata') AS hour_in_india,
       count(*) FILTER (WHERE version = 1) AS created,
       count(*) FILTER (WHERE news = 'PaymentCaptured') AS captured,
       count(*) FILTER (WHERE news IN ('PaymentFailed', 'PaymentAttemptFailed')) AS failed,
       count(*) FILTER (WHERE news = 'PaymentConflicted') AS conflicted,
       coalesce(sum(books_paise) FILTER (WHERE news = 'PaymentCaptured'), 0)
           AS captured_paise
  FROM history
 WHERE dt BETWEEN ? AND ?
 GROUP BY 1
 ORDER BY 1
