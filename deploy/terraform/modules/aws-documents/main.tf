# Tables of DynamoDB for `documents` blocks: the documents, what was no document, and the positions, which they share (docs/documents.md).

locals {
  tables = merge(
    { for table, of in var.tables : table => { keys = of.keys, expires = true } },
    { for table, of in var.tables : "${table}_quarantine" => { keys = [{ name = "place", type = "S" }], expires = false } },
    length(var.tables) == 0 ? {} : {
      "${var.name}-positions" = { keys = [{ name = "scope", type = "S" }, { name = "split", type = "S" }], expires = false }
    },
  )
}

resource "aws_dynamodb_table" "table" {
  for_each                    = local.tables
  name                        = each.key
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.keys[0].name
  range_key                   = try(each.value.keys[1].name, null)
  deletion_protection_enabled = var.deletion_protection

  dynamic "attribute" {
    for_each = each.value.keys
    content {
      name = attribute.value.name
      type = attribute.value.type
    }
  }

  # Notes of deleted documents go when no older change can come any more.
  ttl {
    enabled        = each.value.expires
    attribute_name = each.value.expires ? "_millrace_expires" : ""
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.key_arn
  }
}
