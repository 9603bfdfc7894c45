# A pipeline on Google Cloud: bucket, documents, a service account that may no more than they need, and workers on Cloud Run.

locals {
  name = "${var.pipeline}-${var.environment}"
}

# ---- the lake

resource "google_storage_bucket" "lake" {
  # checkov:skip=CKV_GCP_62:Who did what is in the project's audit logs
  name                        = "${var.project}-${local.name}-lake"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.protect
  labels                      = local.labels

  versioning {
    enabled = true
  }
  # Objects are immutable: what is not current was deleted by expiry.
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = var.keep_deleted_days
    }
    action {
      type = "Delete"
    }
  }
  lifecycle_rule {
    condition {
      age = 1
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }
}

locals {
  labels = { pipeline = var.pipeline, environment = var.environment, managed_by = "terraform" }
}

# ---- documents

resource "google_firestore_database" "documents" {
  count                             = var.documents ? 1 : 0
  name                              = local.name
  location_id                       = var.region
  type                              = "FIRESTORE_NATIVE"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.protect ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = "DELETE"
}

# ---- who the program is

resource "google_service_account" "program" {
  account_id   = substr("${local.name}-program", 0, 30)
  display_name = "Millrace, ${local.name}"
}

resource "google_storage_bucket_iam_member" "program" {
  bucket = google_storage_bucket.lake.name
  role   = "roles/storage.objectUser"
  member = google_service_account.program.member
}

resource "google_project_iam_member" "documents" {
  count   = var.documents ? 1 : 0
  project = var.project
  role    = "roles/datastore.user"
  member  = google_service_account.program.member
  condition {
    title      = "only ${local.name}"
    expression = "resource.name == \"projects/${var.project}/databases/${local.name}\""
  }
}

# The program signs requests to the bucket by an HMAC key (lake.s3.access_key and secret_key).
resource "google_storage_hmac_key" "program" {
  service_account_email = google_service_account.program.email
}

resource "google_secret_manager_secret" "bucket_key" {
  secret_id = "${local.name}-bucket-key"
  labels    = local.labels
  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "bucket_key" {
  secret      = google_secret_manager_secret.bucket_key.id
  secret_data = google_storage_hmac_key.program.secret
}

resource "google_secret_manager_secret_iam_member" "bucket_key" {
  secret_id = google_secret_manager_secret.bucket_key.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.program.member
}

# ---- workers: a pool without an address, as they fetch what they do

resource "google_cloud_run_v2_worker_pool" "workers" {
  count               = var.image == null ? 0 : 1
  name                = local.name
  location            = var.region
  deletion_protection = var.protect
  labels              = local.labels
  depends_on          = [google_secret_manager_secret_iam_member.bucket_key, google_secret_manager_secret_version.bucket_key]

  scaling {
    scaling_mode          = "MANUAL"
    manual_instance_count = var.workers
  }

  template {
    service_account = google_service_account.program.email
    volumes {
      name = "data"
      empty_dir {
        medium     = "MEMORY"
        size_limit = "1Gi"
      }
    }
    containers {
      image = var.image
      args  = ["run", "-c", "/etc/millrace/millrace.yaml"]
      env {
        name  = "MILLRACE_WAREHOUSE"
        value = "gs://${google_storage_bucket.lake.name}"
      }
      env {
        name  = "MILLRACE_ACCESS_KEY"
        value = google_storage_hmac_key.program.access_id
      }
      env {
        name = "MILLRACE_SECRET_KEY"
        value_source {
          secret_key_ref {
            secret  = google_secret_manager_secret.bucket_key.secret_id
            version = "latest"
          }
        }
      }
      resources {
        limits = { cpu = var.cpu, memory = var.memory }
      }
      volume_mounts {
        name       = "data"
        mount_path = "/var/lib/millrace"
      }
    }
  }
}
