#include "app/schema_blocks.h"

#include "app/config_checks.h"
#include "app/config_words.h"

namespace millrace::app {

using config::Block;
using config::Duration;

const Block<AvroConfig>& AvroBlock() {
  static const auto block =
      Block<AvroConfig>("How Avro messages are read; for `format: avro`.")
          .Add(&AvroConfig::framing,
               {.name = "framing",
                .doc = "What stands before each record: `confluent`, a zero byte and the number of its schema in the "
                       "registry; `single_object`, C3 01 and the fingerprint of one of `schemas`; or `none`.",
                .fallback = FramingWord::kConfluent})
          .Add(&AvroConfig::schemas,
               {.name = "schemas",
                .doc = "Files of Avro schemas. The last one is what the table is to have: its fields are columns from "
                       "the start, its defaults fill what a writer lacks, its aliases find renamed fields. With "
                       "`single_object` all of them are known by fingerprint; with `none` there is one."})
          .Check(CheckAvro);
  return block;
}

const Block<ProtobufConfig>& ProtobufBlock() {
  static const auto block =
      Block<ProtobufConfig>("How Protobuf messages are read; for `format: protobuf`.")
          .Add(&ProtobufConfig::framing,
               {.name = "framing",
                .doc = "What stands before each message: `confluent`, a zero byte, the number of its schema in the "
                       "registry and which message of it this is; or `none`.",
                .fallback = ProtobufFramingWord::kConfluent})
          .Add(&ProtobufConfig::schemas,
               {.name = "schemas",
                .doc = "A .proto file, alone or after those that it imports; alone, they are looked for in its folder "
                       "and those "
                       "above. Its message is what the table is to have: its fields "
                       "are columns from the start. With `none` it is what messages are written by."})
          .Add(&ProtobufConfig::message,
               {.name = "message",
                .doc = "Which message of the last of `schemas`, such as shop.Order; without it, the first."})
          .Check(CheckProtobuf);
  return block;
}

const Block<SchemaRegistryConfig>& SchemaRegistryBlock() {
  static const auto block =
      Block<SchemaRegistryConfig>(
          "A schema registry that speaks Confluent's API. Without this block, the built-in one: a file in the data "
          "directory, served to others by `server`.")
          .Add(&SchemaRegistryConfig::url, {.name = "url",
                                            .doc = "Its address; several of the same registry by commas. Apicurio's "
                                                   "ends in /apis/ccompat/v7.",
                                            .required = true})
          .Add(&SchemaRegistryConfig::username, {.name = "username", .doc = "Who asks, by HTTP Basic."})
          .Add(&SchemaRegistryConfig::password, {.name = "password", .doc = "The password, or API secret."})
          .Add(&SchemaRegistryConfig::token, {.name = "token", .doc = "A bearer token instead."})
          .Add(&SchemaRegistryConfig::ca_file,
               {.name = "ca_file", .doc = "PEM file of the certificates to trust. Without it, the system's."})
          .Add(&SchemaRegistryConfig::timeout, {.name = "timeout",
                                                .doc = "How long one request may take.",
                                                .fallback = Duration(30'000),
                                                .min = Duration(100)})
          .Check(CheckSchemaRegistry);
  return block;
}

}  // namespace millrace::app
