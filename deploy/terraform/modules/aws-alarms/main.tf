# What AWS itself sees. What the program sees of itself is in its metrics (docs/operations.md).

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_subscription" "mail" {
  for_each  = var.mail
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

locals {
  # name -> what is looked at, over how many periods of a minute, against what
  alarms = merge(
    { for stream in var.streams : "${stream}-late" => {
      namespace = "AWS/Kinesis", metric = "GetRecords.IteratorAgeMilliseconds", statistic = "Maximum", dimensions = { StreamName = stream },
      above     = var.late_seconds * 1000, periods = 5, missing = "notBreaching", says = "records of ${stream} wait too long: millrace status --why"
    } },
    { for stream in var.streams : "${stream}-full" => {
      namespace = "AWS/Kinesis", metric = "WriteProvisionedThroughputExceeded", statistic = "Sum", dimensions = { StreamName = stream },
      above     = 0, periods = 15, missing = "notBreaching", says = "${stream} refuses records for a quarter of an hour: more shards"
    } },
    { for table in var.document_tables : "${table}-throttled" => {
      namespace = "AWS/DynamoDB", metric = "WriteThrottleEvents", statistic = "Sum", dimensions = { TableName = table },
      above     = 0, periods = 15, missing = "notBreaching", says = "${table} is throttled for a quarter of an hour"
    } },
    var.service == null ? {} : {
      "${var.name}-down" = {
        namespace  = "ECS/ContainerInsights", metric = "RunningTaskCount", statistic = "Minimum", below = 1,
        dimensions = { ClusterName = var.service.cluster, ServiceName = var.service.service },
        periods    = 3, missing = "breaching", says = "no worker of ${var.name} runs: its last line is in /millrace/${var.name}"
      }
      "${var.name}-memory" = {
        namespace  = "AWS/ECS", metric = "MemoryUtilization", statistic = "Maximum", above = 90,
        dimensions = { ClusterName = var.service.cluster, ServiceName = var.service.service },
        periods    = 10, missing = "notBreaching", says = "a worker of ${var.name} is near the end of its memory"
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  for_each            = local.alarms
  alarm_name          = each.key
  alarm_description   = each.value.says
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = 60
  evaluation_periods  = each.value.periods
  comparison_operator = try(each.value.below, null) == null ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = try(each.value.below, each.value.above)
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
