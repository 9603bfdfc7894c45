-- ---
-- materialized: incremental
-- over: silver.people
-- key: [id]
-- description: One flat row a person.
-- expect:
--   - email LIKE '%@%': warn
-- ---
SELECT
  login.uuid AS id,
  name.first AS first_name,
  name.last AS last_name,
  gender,
  concat_ws(' ', location ->> '$.street.number', location ->> '$.street.name') AS address,
  location ->> '$.city' AS city,
  location ->> '$.state' AS state,
  location ->> '$.country' AS country,
  location ->> '$.postcode' AS post_code,
  email,
  login.username AS username,
  CAST(dob.date AS TIMESTAMPTZ) AS dob,
  dob.age AS age,
  CAST(registered.date AS TIMESTAMPTZ) AS registered_date,
  phone,
  picture.large AS picture
FROM silver.people
