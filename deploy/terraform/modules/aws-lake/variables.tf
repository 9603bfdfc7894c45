variable "name" {
  description = "What names begin with: the pipeline and its environment, such as shop-staging."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "A name has 3 to 40 small letters, digits and hyphens, and begins with a letter."
  }
}

variable "layers" {
  description = "Glue databases, one a layer: the word before the dot in a table's name. Names are shared by the whole account and region."
  type        = set(string)
  default     = ["bronze", "silver", "gold"]
  validation {
    condition     = alltrue([for layer in var.layers : can(regex("^[a-z][a-z0-9_]{0,62}$", layer))])
    error_message = "A layer has small letters, digits and underscores, and begins with a letter."
  }
}

variable "keep_deleted_days" {
  description = "Days for which a deleted object can be brought back."
  type        = number
  default     = 7
  validation {
    condition     = var.keep_deleted_days >= 1 && var.keep_deleted_days <= 365
    error_message = "From 1 to 365 days."
  }
}

variable "force_destroy" {
  description = "Whether `destroy` may delete a bucket that holds tables."
  type        = bool
  default     = false
}
