variable "name" {
  description = "What names begin with: the pipeline and its environment, such as shop-staging."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "A name has 3 to 40 small letters, digits and hyphens, and begins with a letter."
  }
}

variable "topics" {
  description = "Topics by name: hours that records are kept, shards (null: on demand, Kinesis adds and takes away shards itself), and whether Firehose copies them into the bucket."
  type = map(object({
    retention_hours = optional(number, 168)
    shards          = optional(number)
    firehose        = optional(bool, false)
  }))
  default = {}
  validation {
    condition     = alltrue([for topic in values(var.topics) : topic.retention_hours >= 24 && topic.retention_hours <= 8760])
    error_message = "Kinesis keeps records for 24 hours to 365 days."
  }
  validation {
    condition     = alltrue([for topic in values(var.topics) : topic.shards == null ? true : topic.shards >= 1])
    error_message = "At least one shard, or null."
  }
}

variable "prefix" {
  description = "What the streams' names begin with: `stream.kinesis.prefix`."
  type        = string
}

variable "bucket_arn" {
  description = "Where Firehose copies to, below firehose/."
  type        = string
}

variable "key_arn" {
  description = "The key that encrypts the streams."
  type        = string
}
