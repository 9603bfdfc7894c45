output "bucket" {
  description = "The bucket's name; `lake.warehouse` is s3://BUCKET/."
  value       = aws_s3_bucket.lake.bucket
}

output "bucket_arn" {
  description = "Its ARN."
  value       = aws_s3_bucket.lake.arn
}

output "key_arn" {
  description = "The key that encrypts the tables, streams, logs and alarms."
  value       = aws_kms_key.lake.arn
}

output "databases" {
  description = "Glue databases by layer."
  value       = { for layer, database in aws_glue_catalog_database.layer : layer => database.name }
}
