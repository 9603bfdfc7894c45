output "topic_arn" {
  description = "Where alarms go; subscribe pagers and chats to it."
  value       = aws_sns_topic.alarms.arn
}
