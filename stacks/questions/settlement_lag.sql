-- What was paid out, by the days of the calendar from capture to payout. Sums are of paise of the books.
-- Parameters: the day from which events are read (the first day, or before), first and last day of payout.
SELECT least(greatest(date_diff('day', date(captured_on), date(settled_on)), 0), 999) AS lag_days,
       count(*) AS settled,
       coalesce(sum(books_paise), 0) AS settled_paise,
       coalesce(sum(fee_paise) FILTER (WHERE books_paise IS NOT NULL), 0) AS fee_paise,
       coalesce(sum(tax_paise) FILTER (WHERE books_paise IS NOT NULL), 0) AS tax_paise,
       coalesce(sum(net_paise) FILTER (WHERE books_paise IS NOT NULL), 0) AS net_paise
  FROM history
 WHERE dt >= ?
   AND settled_on BETWEEN ? AND ?
   AND news = 'PaymentSettled'
 GROUP BY 1
 ORDER BY 1
