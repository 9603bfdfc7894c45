# Three roles: the program writes, Redshift and readers read. None may more than docs/operations.md lists.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  glue    = "arn:${data.aws_partition.current.partition}:glue:${data.aws_region.current.region}:${local.account}"
  # The catalogue itself, the databases, and their tables.
  catalog_arns = concat(
    ["${local.glue}:catalog"],
    [for database in var.databases : "${local.glue}:database/${database}"],
    [for database in var.databases : "${local.glue}:table/${database}/*"],
  )
}

# ---- the program

data "aws_iam_policy_document" "program" {
  statement {
    sid       = "Objects"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = ["${var.bucket_arn}/*"]
  }
  statement {
    sid       = "Bucket"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [var.bucket_arn]
  }
  statement {
    sid = "Tables"
    actions = [
      "glue:GetCatalog", "glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables",
      "glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable",
      "glue:BatchCreatePartition", "glue:BatchGetPartition", "glue:BatchUpdatePartition",
    ]
    resources = local.catalog_arns
  }
  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.key_arn]
  }
  dynamic "statement" {
    for_each = length(var.stream_arns) > 0 ? [1] : []
    content {
      sid = "Streams"
      actions = [
        "kinesis:DescribeStreamSummary", "kinesis:ListShards", "kinesis:GetShardIterator", "kinesis:GetRecords",
        "kinesis:PutRecords",
      ]
      resources = var.stream_arns
    }
  }
  dynamic "statement" {
    for_each = length(var.document_table_arns) > 0 ? [1] : []
    content {
      sid       = "Documents"
      actions   = ["dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:PutItem", "dynamodb:Query"]
      resources = var.document_table_arns
    }
  }
}

resource "aws_iam_policy" "program" {
  name        = "${var.name}-program"
  description = "What millrace needs to land ${var.name}"
  policy      = data.aws_iam_policy_document.program.json
}

# Tasks of ECS in this account, and, where a cluster is named, one service account of EKS.
data "aws_iam_policy_document" "program_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
  dynamic "statement" {
    for_each = var.eks[*]
    content {
      actions = ["sts:AssumeRoleWithWebIdentity"]
      principals {
        type        = "Federated"
        identifiers = ["arn:${data.aws_partition.current.partition}:iam::${local.account}:oidc-provider/${statement.value.oidc_issuer}"]
      }
      condition {
        test     = "StringEquals"
        variable = "${statement.value.oidc_issuer}:sub"
        values   = ["system:serviceaccount:${statement.value.namespace}:${statement.value.service_account}"]
      }
      condition {
        test     = "StringEquals"
        variable = "${statement.value.oidc_issuer}:aud"
        values   = ["sts.amazonaws.com"]
      }
    }
  }
}

resource "aws_iam_role" "program" {
  name               = "${var.name}-program"
  assume_role_policy = data.aws_iam_policy_document.program_trust.json
}

resource "aws_iam_role_policy_attachment" "program" {
  role       = aws_iam_role.program.name
  policy_arn = aws_iam_policy.program.arn
}

# ---- those who read

data "aws_iam_policy_document" "reader" {
  statement {
    sid       = "Objects"
    actions   = ["s3:GetObject"]
    resources = ["${var.bucket_arn}/*"]
  }
  statement {
    sid       = "Bucket"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [var.bucket_arn]
  }
  statement {
    sid = "Tables"
    actions = [
      "glue:GetCatalog", "glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables", "glue:GetPartition",
      "glue:GetPartitions", "glue:BatchGetPartition",
    ]
    resources = local.catalog_arns
  }
  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt"]
    resources = [var.key_arn]
  }
}

resource "aws_iam_policy" "reader" {
  name        = "${var.name}-reader"
  description = "Reads the tables of ${var.name}"
  policy      = data.aws_iam_policy_document.reader.json
}

data "aws_iam_policy_document" "redshift_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["redshift-serverless.amazonaws.com", "redshift.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role" "redshift" {
  name               = "${var.name}-redshift"
  assume_role_policy = data.aws_iam_policy_document.redshift_trust.json
}

resource "aws_iam_role_policy_attachment" "redshift" {
  role       = aws_iam_role.redshift.name
  policy_arn = aws_iam_policy.reader.arn
}
