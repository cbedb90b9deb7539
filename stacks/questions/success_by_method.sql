-- Attempts that ended, by payment method. Parameters: first day, last day ('2026-04-01'), in India.
SELECT CASE WHEN upper(trim(coalesce(method, ''))) IN ('', 'NA') THEN 'not_stated'
            ELSE substr(trim(method), 1, 64) END AS method,
       count(*) AS attempts,
       count(*) FILTER (WHERE news = 'PaymentCaptured') AS captured,
       count(*) FILTER (WHERE news IN ('PaymentFailed', 'PaymentAttemptFailed')) AS failed,
       count(*) FILTER (WHERE news = 'PaymentConflicted') AS conflicted,
       coalesce(sum(books_paise) FILTER (WHERE news = 'PaymentCaptured'), 0)
           AS captured_paise
  FROM history
 WHERE dt BETWEEN ? AND ?
   AND news IN ('PaymentCaptured', 'PaymentFailed', 'PaymentAttemptFailed', 'PaymentConflicted')
 GROUP BY 1
 ORDER BY 1
