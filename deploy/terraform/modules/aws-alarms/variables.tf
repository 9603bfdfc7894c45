variable "name" {
  description = "What names begin with: the pipeline and its environment, such as shop-staging."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "A name has 3 to 40 small letters, digits and hyphens, and begins with a letter."
  }
}

variable "key_arn" {
  description = "The key that encrypts what alarms say."
  type        = string
}

variable "mail" {
  description = "Addresses that alarms are sent to; each has to confirm once."
  type        = set(string)
  default     = []
}

variable "streams" {
  description = "Names of Kinesis streams."
  type        = set(string)
  default     = []
}

variable "document_tables" {
  description = "Names of DynamoDB tables."
  type        = set(string)
  default     = []
}

variable "service" {
  description = "The ECS service; null: none."
  type        = object({ cluster = string, service = string })
  default     = null
}

variable "late_seconds" {
  description = "Seconds that a record may wait in a stream."
  type        = number
  default     = 300
}
