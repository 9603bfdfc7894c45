# The pipeline in staging: `terraform init -backend-config=backend.hcl`, then `terraform apply -var-file=staging.tfvars` (docs/deploy.md).

terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
  }
  backend "gcs" {}
}

provider "google" {
  project                     = var.project
  region                      = var.region
  impersonate_service_account = var.profile
}

module "pipeline" {
  source            = "../../modules/gcp-pipeline"
  project           = var.project
  region            = var.region
  pipeline          = var.pipeline
  environment       = var.environment
  protect           = false
  keep_deleted_days = 1
  documents         = var.documents
  image             = var.image
  workers           = var.workers
}
