-- What went back: refunds made and failed, disputes first heard of and lost, by day. Sums are of
-- paise of the books. Parameters: first day, last day, in India.
SELECT dt,
       count(*) FILTER (WHERE news = 'RefundProcessed') AS refunded,
       coalesce(sum(books_paise) FILTER (WHERE news = 'RefundProcessed'), 0)
           AS refunded_paise,
       count(*) FILTER (WHERE news = 'RefundFailed') AS refund_failed,
       count(*) FILTER (WHERE first_heard) AS disputed,
       coalesce(sum(books_paise) FILTER (WHERE first_heard), 0) AS disputed_paise,
       count(*) FILTER (WHERE news = 'DisputeLost') AS dispute_lost,
       coalesce(sum(books_paise) FILTER (WHERE news = 'DisputeLost'), 0)
           AS dispute_lost_paise
  FROM history
 WHERE dt BETWEEN ? AND ?
 GROUP BY 1
 ORDER BY 1
