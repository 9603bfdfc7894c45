/* ---
description: Orders that can be counted on.
materialized: incremental
over: bronze.orders
expect:
  - id IS NOT NULL: quarantine
  - amount >= 0: quarantine
  - email LIKE '%_@_%': warn
  - unique: id
--- */
SELECT id, amount, lower(email) AS email, ts FROM bronze.orders
