/* ---
description: People, one row each, tidy and with what their country says of them.
materialized: incremental
over: raw.users
key: [id]
expect:
  - id IS NOT NULL: quarantine
  - regexp_matches(email, '^[^@ ]+@[^@ ]+[.][a-z]+$'): quarantine
  - dob IS NOT NULL: quarantine
  - registered_at IS NOT NULL: warn
  - country_code IS NOT NULL: warn
--- */
WITH tidy AS (
  SELECT
    id, trim(first_name) AS first_name, trim(last_name) AS last_name,
    CASE lower(left(trim(gender), 1)) WHEN 'f' THEN 'female' WHEN 'm' THEN 'male' ELSE 'unknown' END AS gender,
    lower(trim(email)) AS email,
    trim(city) AS city, coalesce(trim(state), 'unknown') AS state, trim(country) AS country, post_code,
    TRY_CAST(dob AS DATE) AS dob, TRY_CAST(registered_at AS TIMESTAMPTZ) AS registered_at
  FROM raw.users
)
SELECT
  tidy.* REPLACE (coalesce(c.country, tidy.country) AS country),
  split_part(email, '@', 2) AS email_domain,
  c.code AS country_code, coalesce(c.region, 'unknown') AS region,
  date_diff('year', dob, CAST(registered_at AS DATE)) AS age_at_registration
FROM tidy LEFT JOIN reference.countries AS c ON lower(c.country) = lower(tidy.country)
