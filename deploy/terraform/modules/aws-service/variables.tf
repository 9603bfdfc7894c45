variable "name" {
  description = "What names begin with: the pipeline and its environment, such as shop-staging."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "A name has 3 to 40 small letters, digits and hyphens, and begins with a letter."
  }
}

variable "image" {
  description = "The image by its digest: millrace with the pipeline at /etc/millrace/millrace.yaml (docs/deploy.md)."
  type        = string
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "The image is named by its digest, REPOSITORY@sha256:..., so that what was tried is what runs."
  }
}

variable "repository_arn" {
  description = "The ECR repository that holds it."
  type        = string
}

variable "task_role_arn" {
  description = "What the program runs as."
  type        = string
}

variable "key_arn" {
  description = "The key that encrypts the logs."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets with a way to S3, Glue and the stream."
  type        = list(string)
}

variable "egress_ports" {
  description = "TCP ports that workers may reach: HTTPS and, where topics are in Kafka, its."
  type        = set(number)
  default     = [443]
}

variable "workers" {
  description = "Workers at least. More than one only where topics are in Kafka."
  type        = number
  default     = 1
  validation {
    condition     = var.workers >= 1 && var.workers <= 100
    error_message = "From 1 to 100 workers."
  }
}

variable "workers_max" {
  description = "Workers at most; the same as `workers`: they do not change by themselves."
  type        = number
  default     = 1
}

variable "cpu" {
  description = "CPU units of one worker, 1024 a core."
  type        = number
  default     = 2048
}

variable "memory" {
  description = "MiB of one worker: `memory` of the pipeline, 150 for the program, and room."
  type        = number
  default     = 4096
}

variable "disk_gib" {
  description = "GiB of disk of one worker: the cache of queries, spilling, key indexes."
  type        = number
  default     = 50
  validation {
    condition     = var.disk_gib >= 21 && var.disk_gib <= 200
    error_message = "Fargate gives 21 to 200 GiB."
  }
}

variable "environment" {
  description = "Plain variables of the pipeline."
  type        = map(string)
  default     = {}
}

variable "secrets" {
  description = "Variables from Secrets Manager: name -> ARN, for { secret: \"env:NAME\" }."
  type        = map(string)
  default     = {}
}

variable "log_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 365
}
