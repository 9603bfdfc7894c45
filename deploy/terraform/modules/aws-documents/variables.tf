variable "name" {
  description = "What names begin with: the pipeline and its environment, such as shop-staging."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "A name has 3 to 40 small letters, digits and hyphens, and begins with a letter."
  }
}

variable "tables" {
  description = "Tables of documents by name, with their partition key and, if there is one, sort key: S text, N numbers."
  type = map(object({
    keys = list(object({ name = string, type = optional(string, "S") }))
  }))
  default = {}
  validation {
    condition     = alltrue([for table in values(var.tables) : contains([1, 2], length(table.keys)) && alltrue([for key in table.keys : contains(["S", "N"], key.type)])])
    error_message = "A table has one or two keys, of type S or N."
  }
}

variable "key_arn" {
  description = "The key that encrypts the tables."
  type        = string
}

variable "deletion_protection" {
  description = "Whether a table has to be freed by hand before it can be deleted."
  type        = bool
  default     = true
}
