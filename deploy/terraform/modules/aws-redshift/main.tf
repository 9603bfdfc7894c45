# Redshift Serverless, which reads the tables through Spectrum by the Glue databases. Nothing is loaded into it.

resource "aws_security_group" "workgroup" {
  name        = "${var.name}-redshift"
  description = "Clients of Redshift"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each                     = var.client_security_groups
  security_group_id            = aws_security_group.workgroup.id
  description                  = "SQL of ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 5439
  to_port                      = 5439
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.workgroup.id
  description       = "S3, Glue and KMS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_redshiftserverless_namespace" "lake" {
  namespace_name        = var.name
  db_name               = "lake"
  admin_username        = "administrator"
  manage_admin_password = true
  kms_key_id            = var.key_arn
  iam_roles             = [var.role_arn]
  default_iam_role_arn  = var.role_arn
  log_exports           = ["userlog", "connectionlog", "useractivitylog"]
}

resource "aws_redshiftserverless_workgroup" "lake" {
  workgroup_name       = var.name
  namespace_name       = aws_redshiftserverless_namespace.lake.namespace_name
  base_capacity        = var.base_capacity
  max_capacity         = var.max_capacity
  subnet_ids           = var.subnet_ids
  security_group_ids   = [aws_security_group.workgroup.id]
  enhanced_vpc_routing = true
  publicly_accessible  = false

  config_parameter {
    parameter_key   = "require_ssl"
    parameter_value = "true"
  }
}

resource "aws_redshiftserverless_usage_limit" "hours" {
  resource_arn  = aws_redshiftserverless_workgroup.lake.arn
  usage_type    = "serverless-compute"
  amount        = var.hours_per_month
  period        = "monthly"
  breach_action = "log"
}
