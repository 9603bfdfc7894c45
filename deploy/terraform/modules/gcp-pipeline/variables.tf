variable "project" {
  description = "The project's id."
  type        = string
}

variable "region" {
  description = "The region of everything."
  type        = string
}

variable "pipeline" {
  description = "The pipeline's name; that of everything begins with PIPELINE-ENVIRONMENT."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}$", var.pipeline))
    error_message = "A pipeline's name has 2 to 15 small letters, digits and hyphens, and begins with a letter: a service account's is short."
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

variable "keep_deleted_days" {
  description = "Days for which a deleted object can be brought back."
  type        = number
  default     = 7
}

variable "protect" {
  description = "Whether bucket, documents and workers have to be freed by hand before they can be destroyed."
  type        = bool
  default     = true
}

variable "documents" {
  description = "Whether there is a Firestore database for `documents` blocks."
  type        = bool
  default     = false
}

variable "image" {
  description = "The image by its digest, with the pipeline at /etc/millrace/millrace.yaml; null: workers run elsewhere."
  type        = string
  default     = null
  validation {
    condition     = var.image == null ? true : can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "The image is named by its digest, REPOSITORY@sha256:..., so that what was tried is what runs."
  }
}

variable "workers" {
  description = "Workers. More than one only where topics are in Kafka."
  type        = number
  default     = 1
}

variable "cpu" {
  description = "Cores of one worker."
  type        = string
  default     = "2"
}

variable "memory" {
  description = "Memory of one worker: `memory` of the pipeline, 150 MB for the program, 1 GiB for its disk, which is in memory, and room."
  type        = string
  default     = "4Gi"
}
