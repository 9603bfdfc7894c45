variable "pipeline" {
  description = "The pipeline's name."
  type        = string
}

variable "environment" {
  description = "What this environment is called."
  type        = string
  default     = "staging"
}

variable "project" {
  description = "The project's id."
  type        = string
}

variable "profile" {
  description = "A service account to act as; null: whoever is logged in."
  type        = string
  default     = null
}

variable "region" {
  description = "The region of everything."
  type        = string
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region such as europe-west1."
  }
}

variable "documents" {
  description = "Whether there is a Firestore database."
  type        = bool
  default     = false
}

variable "image" {
  description = "The image by its digest; null: no workers on Cloud Run."
  type        = string
  default     = null
}

variable "workers" {
  description = "Workers."
  type        = number
  default     = 1
}
