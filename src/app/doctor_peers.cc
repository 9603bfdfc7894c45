#include <fmt/format.h>

#include "app/doctor_checks.h"
#include "app/document_blocks.h"
#include "app/schemas.h"
#include "app/scratch.h"
#include "app/spark_block.h"
#include "document/document_store.h"
#include "document/mongodb/mongo_probe.h"
#include "document/mongodb/mongo_store_options.h"
#include "io/http_url.h"

namespace millrace::app {
namespace {

void LookAtRegistry(const SchemaRegistryConfig& config, Findings& findings) {
  auto options = RegistryClientOptionsFor(config);
  options.attempts_max = 1;
  schema::RegistryClient registry(std::move(options));
  registry.Version("millrace-doctor-" + ScratchWord(), std::nullopt);  // of which it knows nothing
  findings.Ok(fmt::format("{} answers as a schema registry and lets this client read; registering was not tried",
                          io::ShownUrl(config.url)));
}

void LookAtMongo(const PipelineConfig& pipeline, const std::string& name, const DocumentsConfig& documents,
                 Findings& findings) {
  const auto options = MongoStoreOptionsFor(pipeline, name, *documents.mongodb);
  MakeDocumentStore(pipeline, name, documents)->ReadPositions();
  document::ProbeMongoDatabase(options.server, options.database, "millrace_doctor_" + ScratchWord());
  findings.Ok(fmt::format("documents {}: a scratch collection of the database {} was written, read and dropped again",
                          name, options.database));
}

/// Tables and databases there are paid for and take minutes to make: they are only read.
void LookAtOther(const PipelineConfig& pipeline, const std::string& name, DocumentsConfig documents,
                 Findings& findings) {
  const bool makes = documents.dynamodb && documents.dynamodb->create;
  if (documents.dynamodb) documents.dynamodb->create = false;
  try {
    MakeDocumentStore(pipeline, name, documents)->ReadPositions();
  } catch (const Error& error) {
    if (!makes || error.code() != ErrorCode::kConfig) throw;
    return findings.Ok(fmt::format("documents {}: the store answers; a table is not there yet and will be made", name));
  }
  findings.Ok(
      fmt::format("documents {}: the store answers and its positions can be read; writing was not tried", name));
}

void LookAtSpark(const PipelineConfig& pipeline, Findings& findings, const std::stop_token& stop) {
  const auto server = SparkServerOf(pipeline);
  query::SparkSession session(*server, stop);
  session.RequireVersion();
  findings.Ok(fmt::format("Spark at {}:{} answers and is new enough", server->remote.host, server->remote.port));
  try {
    session.Ask(fmt::format("SHOW NAMESPACES IN `{}`", server->catalog));
  } catch (const Error& error) {
    return findings.Fail(fmt::format("Spark cannot list the catalogue `{}`: {}", server->catalog, error.message()),
                         fmt::format("set spark.sql.catalog.{} and what belongs to it in Spark's own settings to the "
                                     "REST catalogue of `lake.catalog.rest` (docs/models.md), or mend `spark.catalog`",
                                     server->catalog));
  }
  findings.Ok(fmt::format("Spark lists the catalogue `{}`", server->catalog));
}

}  // namespace

std::vector<DoctorCheck> PeerChecks(const PipelineConfig& pipeline) {
  std::vector<DoctorCheck> checks;
  if (pipeline.schema_registry) {
    checks.push_back({"registry", [&pipeline](Findings& findings, const std::stop_token&) {
                        LookAtRegistry(*pipeline.schema_registry, findings);
                      }});
  }
  for (const auto& [name, documents] : pipeline.documents) {
    checks.push_back(
        {"documents", [&, &name = name, &documents = documents](Findings& findings, const std::stop_token&) {
           documents.mongodb ? LookAtMongo(pipeline, name, documents, findings)
                             : LookAtOther(pipeline, name, documents, findings);
         }});
  }
  if (pipeline.spark) {
    checks.push_back({"spark", [&pipeline](Findings& findings, const std::stop_token& stop) {
                        LookAtSpark(pipeline, findings, stop);
                      }});
  }
  return checks;
}

}  // namespace millrace::app
