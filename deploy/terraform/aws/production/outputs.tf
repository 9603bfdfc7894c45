output "pipeline" {
  description = "What the pipeline's configuration and its readers need to know. See modules/aws-pipeline."
  value       = module.pipeline
}
