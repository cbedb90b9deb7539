history AS (
    SELECT {columns}, dt, CASE WHEN currency = 'INR' THEN amount_paise ELSE base_amount_paise END AS books_paise
      FROM (SELECT {columns}, dt
              FROM payment_events_compacted
             UNION ALL
            SELECT {recent_columns}, recent.dt
              FROM (SELECT {columns}, dt, row_number() OVER (PARTITION BY dt, event_id ORDER BY arrived) AS nth
                      FROM payment_events_recent) AS recent
              LEFT JOIN payment_events_compacted AS compacted
                ON compacted.dt = recent.dt AND compacted.event_id = recent.event_id
             WHERE recent.nth = 1 AND compacted.event_id IS NULL) AS events
)
