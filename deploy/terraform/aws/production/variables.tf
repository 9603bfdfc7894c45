variable "pipeline" {
  description = "The pipeline's name."
  type        = string
}

variable "environment" {
  description = "What this environment is called."
  type        = string
  default     = "production"
}

variable "profile" {
  description = "A profile of ~/.aws/config; null: what the environment has, as in CI."
  type        = string
  default     = null
}

variable "region" {
  description = "The region of everything."
  type        = string
  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region such as eu-west-1."
  }
}

variable "layer_prefix" {
  description = "What the layers' databases begin with, where environments share an account and a region."
  type        = string
  default     = ""
}

variable "topics" {
  description = "Topics in Kinesis. See modules/aws-stream."
  type = map(object({
    retention_hours = optional(number, 168)
    shards          = optional(number)
    firehose        = optional(bool, false)
  }))
  default = {}
}

variable "document_tables" {
  description = "Tables of documents in DynamoDB. See modules/aws-documents."
  type = map(object({
    keys = list(object({ name = string, type = optional(string, "S") }))
  }))
  default = {}
}

variable "network" {
  description = "The network that workers and Redshift run in; null where there are neither."
  type        = object({ vpc_id = string, subnet_ids = list(string) })
  default     = null
}

variable "service" {
  description = "Workers on ECS; null: none. See modules/aws-service."
  type = object({
    image          = string
    repository_arn = string
    egress_ports   = optional(set(number), [443])
    workers        = optional(number, 1)
    workers_max    = optional(number, 1)
    cpu            = optional(number, 4096)
    memory         = optional(number, 8192)
    secrets        = optional(map(string), {})
  })
  default = null
}

variable "image" {
  description = "The image by its digest, in place of `service.image`: what a deployment changes."
  type        = string
  default     = null
}

variable "redshift" {
  description = "Redshift Serverless over the tables; null: none. See modules/aws-redshift."
  type = object({
    client_security_groups = optional(map(string), {})
    base_capacity          = optional(number, 8)
    max_capacity           = optional(number, 128)
    hours_per_month        = optional(number, 2000)
  })
  default = null
}

variable "eks" {
  description = "The service account of EKS that may be the program; null: none."
  type        = object({ oidc_issuer = string, namespace = string, service_account = string })
  default     = null
}

variable "alarm_mail" {
  description = "Addresses that alarms are sent to."
  type        = set(string)
  default     = []
}
