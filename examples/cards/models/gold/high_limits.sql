/* ---
description: The ten highest limits of each brand.
--- */
SELECT brand, id, client_id, type, credit_limit, row_number() OVER (PARTITION BY brand ORDER BY credit_limit DESC, id) AS place
FROM silver.cards
QUALIFY place <= 10
ORDER BY brand, place
