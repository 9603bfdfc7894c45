output "table_arns" {
  description = "ARNs of the tables, what belongs to them included."
  value       = [for table in aws_dynamodb_table.table : table.arn]
}

output "positions_table" {
  description = "`positions_table` of the documents blocks; empty where there are no tables."
  value       = length(var.tables) == 0 ? "" : "${var.name}-positions"
}

output "table_names" {
  description = "Their names."
  value       = [for table in aws_dynamodb_table.table : table.name]
}
