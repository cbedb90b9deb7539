-- Captures and the gateway's fees as told with them, by day. The fee includes its GST. Sums are of
-- paise of the books. Parameters: first day, last day, in India.
SELECT dt,
       count(*) AS captured,
       coalesce(sum(books_paise), 0) AS captured_paise,
       count(*) FILTER (WHERE books_paise IS NOT NULL AND fee_paise IS NOT NULL) AS fee_known,
       coalesce(sum(fee_paise) FILTER (WHERE books_paise IS NOT NULL), 0) AS fee_paise,
       coalesce(sum(tax_paise) FILTER (WHERE books_paise IS NOT NULL AND fee_paise IS NOT NULL), 0) AS tax_paise
  FROM history
 WHERE dt BETWEEN ? AND ?
   AND news = 'PaymentCaptured'
 GROUP BY 1
 ORDER BY 1
