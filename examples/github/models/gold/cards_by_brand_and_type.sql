-- ---
-- materialized: table
-- description: What cards there are, and how far they reach. No card can be told from another here.
-- ---
SELECT
  card_brand,
  card_type,
  count(*) AS cards,
  count(DISTINCT client_id) AS clients,
  CAST(round(avg(credit_limit)) AS BIGINT) AS credit_limit_avg,
  CAST(max(credit_limit) AS BIGINT) AS credit_limit_max
FROM silver.cards
GROUP BY ALL
ORDER BY cards DESC, card_brand, card_type
