output "endpoint" {
  description = "Host and port of the workgroup."
  value       = try("${aws_redshiftserverless_workgroup.lake.endpoint[0].address}:${aws_redshiftserverless_workgroup.lake.endpoint[0].port}", "")
}

output "external_schemas" {
  description = "SQL that shows the tables in Redshift, to be run once by an administrator."
  value = join("\n", [
    for layer, database in var.databases :
    "CREATE EXTERNAL SCHEMA IF NOT EXISTS ${layer} FROM DATA CATALOG DATABASE '${database}' IAM_ROLE default;"
  ])
}
