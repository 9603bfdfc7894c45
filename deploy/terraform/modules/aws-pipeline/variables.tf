variable "pipeline" {
  description = "The pipeline's name; that of everything begins with PIPELINE-ENVIRONMENT."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,24}$", var.pipeline))
    error_message = "A pipeline's name has 2 to 25 small letters, digits and hyphens, and begins with a letter."
  }
}

variable "environment" {
  description = "staging, production, or another word."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,13}$", var.environment))
    error_message = "An environment is one word of 2 to 14 small letters and digits."
  }
}

variable "layers" {
  description = "Layers of the lake: the word before the dot in a table's name."
  type        = set(string)
  default     = ["bronze", "silver", "gold"]
}

variable "layer_prefix" {
  description = "What the layers' databases begin with, where environments share an account and a region."
  type        = string
  default     = ""
}

variable "keep_deleted_days" {
  description = "Days for which a deleted object can be brought back."
  type        = number
  default     = 7
}

variable "protect" {
  description = "Whether tables and bucket have to be emptied by hand before they can be destroyed."
  type        = bool
  default     = true
}

variable "topics" {
  description = "Topics in Kinesis; none where they are in Kafka. See modules/aws-stream."
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
  description = "Workers on ECS; null: they run elsewhere, such as on EKS. See modules/aws-service."
  type = object({
    image          = string
    repository_arn = string
    egress_ports   = optional(set(number), [443])
    workers        = optional(number, 1)
    workers_max    = optional(number, 1)
    cpu            = optional(number, 2048)
    memory         = optional(number, 4096)
    secrets        = optional(map(string), {})
  })
  default = null
}

variable "image" {
  description = "The image by its digest, in place of `service.image`."
  type        = string
  default     = null
}

variable "redshift" {
  description = "Redshift Serverless over the tables; null: none. See modules/aws-redshift."
  type = object({
    client_security_groups = optional(map(string), {})
    base_capacity          = optional(number, 8)
    max_capacity           = optional(number, 64)
    hours_per_month        = optional(number, 500)
  })
  default = null
}

variable "eks" {
  description = "The service account of EKS that may be the program; null: none. See modules/aws-access."
  type        = object({ oidc_issuer = string, namespace = string, service_account = string })
  default     = null
}

variable "alarm_mail" {
  description = "Addresses that alarms are sent to."
  type        = set(string)
  default     = []
}
