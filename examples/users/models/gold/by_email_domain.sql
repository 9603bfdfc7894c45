/* ---
description: Where their mail goes.
expect:
  - users > 0: fail
--- */
SELECT email_domain, count(*) AS users
FROM silver.users
GROUP BY ALL
ORDER BY users DESC, email_domain
