output "warehouse" {
  description = "`lake.warehouse`."
  value       = "gs://${google_storage_bucket.lake.name}"
}

output "program_email" {
  description = "The service account: on GKE the annotation iam.gke.io/gcp-service-account."
  value       = google_service_account.program.email
}

output "bucket_access_key" {
  description = "`lake.s3.access_key`."
  value       = google_storage_hmac_key.program.access_id
}

output "bucket_secret" {
  description = "The secret of Secret Manager that holds `lake.s3.secret_key`."
  value       = google_secret_manager_secret.bucket_key.id
}

output "firestore_database" {
  description = "The database of documents; null without one."
  value       = one(google_firestore_database.documents[*].name)
}
