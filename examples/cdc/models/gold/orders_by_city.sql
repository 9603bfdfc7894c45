-- ---
-- description: Orders that stand now, by the city of their customer and status
-- ---
SELECT coalesce(c.city, 'customer is gone') AS city, o.status, count(*) AS orders, sum(o.cents) / 100 AS total
FROM silver.orders AS o
LEFT JOIN silver.customers AS c ON c.id = o.customer_id
GROUP BY ALL
