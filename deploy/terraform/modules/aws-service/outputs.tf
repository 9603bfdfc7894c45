output "cluster" {
  description = "The ECS cluster."
  value       = aws_ecs_cluster.pipeline.name
}

output "service" {
  description = "The ECS service."
  value       = aws_ecs_service.workers.name
}

output "task_definition" {
  description = "The revision that runs: what a rollback names."
  value       = aws_ecs_task_definition.worker.arn
}

output "security_group" {
  description = "The workers' security group, to be let in by brokers."
  value       = aws_security_group.workers.id
}
