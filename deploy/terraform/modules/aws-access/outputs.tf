output "program_role_arn" {
  description = "What the program runs as: the task role on ECS, the annotation eks.amazonaws.com/role-arn on EKS."
  value       = aws_iam_role.program.arn
}

output "redshift_role_arn" {
  description = "What Redshift reads the tables as."
  value       = aws_iam_role.redshift.arn
}

output "reader_policy_arn" {
  description = "To be attached to roles of people and programs that read."
  value       = aws_iam_policy.reader.arn
}
