# The pipeline in staging: `terraform init -backend-config=backend.hcl`, then `terraform apply -var-file=staging.tfvars` (docs/deploy.md).

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
  # Bucket, key, region and lock are the account's: backend.hcl.
  backend "s3" {}
}

provider "aws" {
  region  = var.region
  profile = var.profile
  default_tags {
    tags = {
      pipeline    = var.pipeline
      environment = var.environment
      managed_by  = "terraform"
    }
  }
}

module "pipeline" {
  source            = "../../modules/aws-pipeline"
  pipeline          = var.pipeline
  environment       = var.environment
  layer_prefix      = var.layer_prefix
  protect           = false
  keep_deleted_days = 1
  topics            = var.topics
  document_tables   = var.document_tables
  network           = var.network
  service           = var.service
  image             = var.image
  redshift          = var.redshift
  eks               = var.eks
  alarm_mail        = var.alarm_mail
}
