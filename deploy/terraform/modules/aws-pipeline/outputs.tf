output "warehouse" {
  description = "`lake.warehouse`."
  value       = "s3://${module.lake.bucket}"
}

output "databases" {
  description = "Glue databases: the layers of the tables' names."
  value       = module.lake.databases
}

output "stream_prefix" {
  description = "`stream.kinesis.prefix`."
  value       = "${local.name}-"
}

output "positions_table" {
  description = "`positions_table` of documents blocks."
  value       = module.documents.positions_table
}

output "program_role_arn" {
  description = "What the program runs as, on EKS the annotation eks.amazonaws.com/role-arn."
  value       = module.access.program_role_arn
}

output "reader_policy_arn" {
  description = "To be attached to roles that read."
  value       = module.access.reader_policy_arn
}

output "alarm_topic_arn" {
  description = "Where alarms go."
  value       = module.alarms.topic_arn
}

output "image" {
  description = "The image that runs; null without a service."
  value       = try(coalesce(var.image, var.service.image), null)
}

output "cluster" {
  description = "The ECS cluster of the workers; null without a service."
  value       = one(module.service[*].cluster)
}

output "task_definition" {
  description = "The revision that runs; null without a service."
  value       = one(module.service[*].task_definition)
}

output "redshift_endpoint" {
  description = "Host and port of Redshift; null without it."
  value       = one(module.redshift[*].endpoint)
}

output "redshift_external_schemas" {
  description = "SQL to be run once in Redshift; null without it."
  value       = one(module.redshift[*].external_schemas)
}
