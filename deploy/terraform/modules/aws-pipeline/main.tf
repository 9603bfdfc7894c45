# A pipeline on AWS: what staging and production have in common. Each part is a module of its own and may be used alone.

locals {
  name = "${var.pipeline}-${var.environment}"
}

module "lake" {
  source            = "../aws-lake"
  name              = local.name
  layers            = [for layer in var.layers : "${var.layer_prefix}${layer}"]
  keep_deleted_days = var.keep_deleted_days
  force_destroy     = !var.protect
}

module "stream" {
  source     = "../aws-stream"
  name       = local.name
  prefix     = "${local.name}-"
  topics     = var.topics
  bucket_arn = module.lake.bucket_arn
  key_arn    = module.lake.key_arn
}

module "documents" {
  source              = "../aws-documents"
  name                = local.name
  tables              = { for table, of in var.document_tables : "${local.name}-${table}" => of }
  key_arn             = module.lake.key_arn
  deletion_protection = var.protect
}

module "access" {
  source              = "../aws-access"
  name                = local.name
  bucket_arn          = module.lake.bucket_arn
  key_arn             = module.lake.key_arn
  databases           = values(module.lake.databases)
  stream_arns         = module.stream.stream_arns
  document_table_arns = module.documents.table_arns
  eks                 = var.eks
}

module "service" {
  count          = var.service == null ? 0 : 1
  source         = "../aws-service"
  name           = local.name
  image          = coalesce(var.image, var.service.image)
  repository_arn = var.service.repository_arn
  task_role_arn  = module.access.program_role_arn
  key_arn        = module.lake.key_arn
  vpc_id         = var.network.vpc_id
  subnet_ids     = var.network.subnet_ids
  egress_ports   = var.service.egress_ports
  workers        = var.service.workers
  workers_max    = var.service.workers_max
  cpu            = var.service.cpu
  memory         = var.service.memory
  secrets        = var.service.secrets
  environment = {
    MILLRACE_WAREHOUSE = "s3://${module.lake.bucket}"
    MILLRACE_PREFIX    = "${local.name}-"
  }
}

module "redshift" {
  count                  = var.redshift == null ? 0 : 1
  source                 = "../aws-redshift"
  name                   = local.name
  vpc_id                 = var.network.vpc_id
  subnet_ids             = var.network.subnet_ids
  client_security_groups = var.redshift.client_security_groups
  base_capacity          = var.redshift.base_capacity
  max_capacity           = var.redshift.max_capacity
  hours_per_month        = var.redshift.hours_per_month
  role_arn               = module.access.redshift_role_arn
  key_arn                = module.lake.key_arn
  databases              = module.lake.databases
}

module "alarms" {
  source          = "../aws-alarms"
  name            = local.name
  key_arn         = module.lake.key_arn
  mail            = var.alarm_mail
  streams         = values(module.stream.stream_names)
  document_tables = module.documents.table_names
  service         = var.service == null ? null : { cluster = module.service[0].cluster, service = module.service[0].service }
}
