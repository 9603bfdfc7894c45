variable "name" {
  description = "What names begin with: the pipeline and its environment, such as shop-staging."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "A name has 3 to 40 small letters, digits and hyphens, and begins with a letter."
  }
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets in three zones, as Redshift Serverless asks."
  type        = list(string)
  validation {
    condition     = length(var.subnet_ids) >= 3
    error_message = "Redshift Serverless wants subnets in three availability zones."
  }
}

variable "client_security_groups" {
  description = "Security groups that may connect, by what they are."
  type        = map(string)
  default     = {}
}

variable "role_arn" {
  description = "What it reads the tables as."
  type        = string
}

variable "key_arn" {
  description = "The key that encrypts it."
  type        = string
}

variable "databases" {
  description = "Glue databases by layer."
  type        = map(string)
}

variable "base_capacity" {
  description = "RPUs that a query begins with."
  type        = number
  default     = 8
  validation {
    condition     = var.base_capacity >= 8 && var.base_capacity <= 1024 && var.base_capacity % 8 == 0
    error_message = "8 to 1024 RPUs, in steps of 8."
  }
}

variable "max_capacity" {
  description = "RPUs at most."
  type        = number
  default     = 64
}

variable "hours_per_month" {
  description = "RPU hours a month after which a line is logged."
  type        = number
  default     = 500
}
