variable "name" {
  description = "What names begin with: the pipeline and its environment, such as shop-staging."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "A name has 3 to 40 small letters, digits and hyphens, and begins with a letter."
  }
}

variable "bucket_arn" {
  description = "The bucket of the tables."
  type        = string
}

variable "key_arn" {
  description = "The key that encrypts bucket and streams."
  type        = string
}

variable "databases" {
  description = "Glue databases that the program writes and others read."
  type        = list(string)
}

variable "stream_arns" {
  description = "Kinesis streams that the program reads and appends to."
  type        = list(string)
  default     = []
}

variable "document_table_arns" {
  description = "DynamoDB tables that the program writes: documents, quarantine and positions."
  type        = list(string)
  default     = []
}

variable "eks" {
  description = "A service account of an EKS cluster that may be the program; null: none. The issuer without https://."
  type = object({
    oidc_issuer     = string
    namespace       = string
    service_account = string
  })
  default = null
  validation {
    condition     = var.eks == null || !can(regex("^https?://", var.eks.oidc_issuer))
    error_message = "The issuer is given without https://, as in the provider's ARN."
  }
}
