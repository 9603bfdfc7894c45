output "stream_arns" {
  description = "ARNs of the streams."
  value       = [for stream in aws_kinesis_stream.topic : stream.arn]
}

output "stream_names" {
  description = "Names of the streams by topic."
  value       = { for topic, stream in aws_kinesis_stream.topic : topic => stream.name }
}
