/* ---
description: Cards with the types that their columns mean.
materialized: incremental
over: raw.cards
key: [id]
expect:
  - credit_limit >= 0: quarantine
  - opened IS NOT NULL AND expires IS NOT NULL: quarantine
  - opened <= expires: warn
--- */
SELECT
  CAST(id AS BIGINT) AS id, CAST(client_id AS BIGINT) AS client_id, card_brand AS brand, card_type AS type,
  CAST(credit_limit AS BIGINT) AS credit_limit, has_chip = 'YES' AS has_chip, CAST(num_cards_issued AS BIGINT) AS issued,
  CAST(try_strptime(expires, '%b-%y') AS DATE) AS expires, CAST(try_strptime(acct_open_date, '%b-%y') AS DATE) AS opened,
  CAST(year_pin_last_changed AS BIGINT) AS pin_changed, card_on_dark_web = 'Yes' AS on_dark_web
FROM raw.cards
