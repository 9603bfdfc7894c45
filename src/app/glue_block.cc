#include "app/glue_block.h"

#include <utility>

#include "app/aws_access.h"
#include "app/config_words.h"
#include "catalog/glue/glue_catalog.h"

namespace millrace::app {

using config::Block;
using config::Duration;

const Block<GlueConfig>& GlueBlock() {
  static const auto block = [] {
    Block<GlueConfig> glue(
        "The AWS Glue Data Catalog, which Athena, Spark, Trino, Redshift and pyiceberg read too. A namespace is a "
        "database. Without keys or a profile, AWS's own places are looked into, as for a bucket (docs/aws.md).");
    AddAwsAccess(glue, {.endpoint = "http(s)://host:port of what is not AWS's own; it must keep to VersionId.",
                        .region = "The catalogue's region; without it, AWS_REGION or the profile's."});
    glue.Add(&GlueConfig::catalog_id,
             {.name = "catalog_id", .doc = "The account whose catalogue it is; without it, the keys' own."})
        .Add(&GlueConfig::timeout, {.name = "timeout",
                                    .doc = "How long one request may take.",
                                    .fallback = Duration(30'000),
                                    .min = Duration(100)});
    return std::move(glue).Check(CheckAwsAccess);
  }();
  return block;
}

const Block<GlueTableConfig>& GlueTableBlock() {
  static const auto block =
      Block<GlueTableConfig>(
          "A Hive table of Glue over the files, whose partitions are registered before files show in them: Athena and "
          "others see a file as soon as it is there. `{}` is enough where the lake's catalogue is Glue (docs/aws.md).")
          .Add(&GlueTableConfig::name, {.name = "name", .doc = "`database.table`; without it, the table's own name."})
          .Add(&GlueTableConfig::serde,
               {.name = "serde",
                .doc = "What reads the lines: `openx` (org.openx.data.jsonserde.JsonSerDe) or `hcatalog` "
                       "(org.apache.hive.hcatalog.data.JsonSerDe).",
                .fallback = SerdeWord::kOpenx})
          .Nested("server", &GlueTableConfig::server, GlueBlock());
  return block;
}

catalog::GlueOptions GlueOptionsOf(const GlueConfig& config) {
  catalog::GlueOptions options;
  options.catalog_id = config.catalog_id;
  options.server.endpoint = config.endpoint;
  options.server.region = config.region;
  if (config.ca_file) options.server.ca_file = config.ca_file->value;
  options.server.credentials = CredentialsOf(config);
  options.server.timeout = config.timeout;
  return options;
}

std::unique_ptr<catalog::GlueCatalog> OpenGlueCatalog(const GlueConfig& config, io::ObjectStore& store) {
  return std::make_unique<catalog::GlueCatalog>(GlueOptionsOf(config), store);
}

}  // namespace millrace::app
