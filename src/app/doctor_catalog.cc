#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "app/data_directory.h"
#include "app/doctor_checks.h"
#include "app/glue_block.h"
#include "app/rest_lake.h"
#include "app/scratch.h"
#include "app/warehouse_store.h"
#include "base/log.h"
#include "catalog/sql/sql_catalog.h"
#include "io/local_object_store.h"
#include "io/s3_object_store.h"

namespace millrace::app {
namespace {

namespace fs = std::filesystem;

using DropNamespace = std::function<bool(const std::string&)>;

/// A namespace and a table of our own, from their beginning to their end. What is left of them goes with it.
class CatalogTrial {
 public:
  CatalogTrial(catalog::Catalog& catalog, DropNamespace drop_namespace)
      : catalog_(catalog),
        drop_namespace_(std::move(drop_namespace)),
        table_{.name_space = "millrace_doctor_" + ScratchWord(), .name = "scratch"} {}
  CatalogTrial(const CatalogTrial&) = delete;
  CatalogTrial& operator=(const CatalogTrial&) = delete;
  ~CatalogTrial() {
    const CleaningUp cleaning;
    Quietly([&] {
      if (table_made_) catalog_.Drop(table_);
    });
    Quietly([&] { RemoveFiles(); });
    Quietly([&] {
      if (namespace_made_) drop_namespace_(table_.name_space);
    });
  }

  void Run() {
    catalog_.ListNamespaces();
    namespace_made_ = true;  // an answer that got lost may have made it
    catalog_.EnsureNamespace(table_.name_space);
    table_made_ = true;
    Require(
        catalog_.Create(
            {.name = table_, .schema = OneColumn(), .spec = {}, .sort_order = {}, .properties = {}, .location = {}}),
        "making a table");
    const auto loaded = catalog_.Load(table_);
    if (!loaded) throw Error(ErrorCode::kStop, "a table that was made is not there; look at the catalogue's log");
    location_ = loaded->metadata->location;
    TryFiles();
    Require(catalog_.Commit(table_, {table::AssertTableUuid{loaded->metadata->table_uuid}},
                            {table::SetProperties{{{"millrace.doctor", "1"}}}}),
            "committing to a table");
    // What exactly once rests on: a commit that requires what is not so any more changes nothing.
    const auto refused = catalog_.Commit(table_, {table::AssertTableUuid{"00000000-0000-4000-8000-000000000000"}},
                                         {table::SetProperties{{{"millrace.doctor", "2"}}}});
    if (!std::holds_alternative<catalog::Conflict>(refused)) {
      throw Error(ErrorCode::kStop,
                  "the catalogue took a commit whose requirement did not hold, so nothing can land "
                  "exactly once; use another catalogue");
    }
    table_made_ = !catalog_.Drop(table_);
    RemoveFiles();
    namespace_made_ = !drop_namespace_(table_.name_space);
  }

  const std::string& name_space() const { return table_.name_space; }

 private:
  static schema::Schema OneColumn() {
    schema::Schema schema;
    schema.fields.push_back({.name = "n", .type = schema::PrimitiveType{schema::Primitive::kLong}});
    return schema;
  }

  static void Require(const catalog::CommitResult& result, const char* doing) {
    if (const auto* conflict = std::get_if<catalog::Conflict>(&result))
      throw Error(ErrorCode::kStop, fmt::format("{}: {}", doing, conflict->why));
    if (const auto* unknown = std::get_if<catalog::Unknown>(&result))
      throw Error(ErrorCode::kUnavailable, fmt::format("{}: {}", doing, unknown->why));
  }

  /// Data files beside the table's metadata: with keys that the catalogue hands out where it does.
  void TryFiles() {
    auto& store = catalog_.store();
    const auto folder = store.KeyOf(location_);
    if (!folder) return;  // Load refuses it
    const auto key = *folder + "/data/scratch";
    store.PutIfAbsent(key, "1");
    if (store.Get(key) != "1") {
      throw Error(ErrorCode::kStop,
                  fmt::format("{} was put and cannot be read; look at who may read there", store.UriOf(key)));
    }
  }

  void RemoveFiles() {
    if (location_.empty()) return;
    auto& store = catalog_.store();
    const auto folder = store.KeyOf(location_);
    if (!folder) return;
    std::vector<std::string> keys;
    store.List(*folder + "/", "", [&](const io::ObjectInfo& info) {
      keys.push_back(info.key);
      return true;
    });
    for (const auto& key : keys) store.Delete(key);
    if (const auto* local = dynamic_cast<io::LocalObjectStore*>(&store)) RemoveFolders(local->root() / *folder);
    location_.clear();
  }

  /// A bucket has none.
  void RemoveFolders(const fs::path& table) const {
    std::error_code error;
    fs::remove_all(table, error);
    const auto above = table.parent_path();
    if (above.filename().string().starts_with(table_.name_space)) fs::remove(above, error);
  }

  void Quietly(const std::function<void()>& step) const {
    try {
      step();
    } catch (const std::exception& error) {
      LogWarning("something of the scratch table {} stays behind: {}", catalog::ToString(table_), error.what());
    }
  }

  catalog::Catalog& catalog_;
  const DropNamespace drop_namespace_;
  const catalog::TableName table_;
  std::string location_;
  bool namespace_made_ = false;
  bool table_made_ = false;
};

void Tell(const std::string& place, Findings& findings) {
  findings.Ok(
      fmt::format("{}: namespaces and tables can be made, committed to and dropped, and a commit whose "
                  "requirement does not hold is refused",
                  place));
}

/// The warehouse as the tables' files see it, without looking for a warehouse of ours in it.
std::unique_ptr<io::ObjectStore> OpenTablesStore(const PipelineConfig& pipeline,
                                                 const std::shared_ptr<catalog::VendedCredentials>& vended) {
  if (const auto location = io::ParseS3Uri(pipeline.warehouse())) {
    auto options = BucketOptions(pipeline.lake.s3, *location);
    options.vended = vended;
    return std::make_unique<io::S3ObjectStore>(std::move(options));
  }
  return io::LocalObjectStore::Open(pipeline.warehouse());
}

/// Takes away the folder of a warehouse that was not there before, when nothing came into it.
class WarehouseFolder {
 public:
  explicit WarehouseFolder(const PipelineConfig& pipeline)
      : path_(io::ParseS3Uri(pipeline.warehouse()) ? "" : pipeline.warehouse()),
        there_(path_.empty() || fs::exists(path_)) {}
  WarehouseFolder(const WarehouseFolder&) = delete;
  WarehouseFolder& operator=(const WarehouseFolder&) = delete;
  ~WarehouseFolder() {
    if (there_) return;
    std::error_code error;
    fs::remove(path_ / ".millrace-tmp", error);
    fs::remove(path_, error);
  }

 private:
  const fs::path path_;
  const bool there_;
};

void LookAtRest(const PipelineConfig& pipeline, const RestCatalogConfig& rest, Findings& findings) {
  const WarehouseFolder folder(pipeline);
  const auto vended = rest.vended_credentials ? std::make_shared<catalog::VendedCredentials>() : nullptr;
  const auto store = OpenTablesStore(pipeline, vended);
  const auto catalog = OpenRestCatalog(rest, *store, vended);
  {
    CatalogTrial trial(*catalog, [&](const std::string& name_space) { return catalog->DropNamespace(name_space); });
    trial.Run();
  }
  Tell(rest.uri, findings);
}

void LookAtGlue(const PipelineConfig& pipeline, const GlueConfig& glue, Findings& findings) {
  const WarehouseFolder folder(pipeline);
  const auto store = OpenTablesStore(pipeline, nullptr);
  const auto catalog = OpenGlueCatalog(glue, *store);
  {
    CatalogTrial trial(*catalog, [&](const std::string& name_space) { return catalog->DropNamespace(name_space); });
    trial.Run();
  }
  Tell("Glue", findings);
}

/// In the file itself when it is there, as any other program that opens it; else in one beside where it will be.
void LookAtFile(const PipelineConfig& pipeline, Findings& findings) {
  const auto& sqlite = pipeline.lake.catalog.sqlite;
  const fs::path file = sqlite ? sqlite->path.value : pipeline.data_dir.value + "/catalog.db";
  const bool there = fs::exists(file);
  const ScratchFolder scratch(NearestFolder(file.parent_path()));
  const auto store = io::LocalObjectStore::Open(scratch.path());
  catalog::SqlCatalogOptions options;
  options.file = there ? file : scratch.path() / "catalog.db";
  catalog::SqlCatalog catalog(options, *store);
  {
    CatalogTrial trial(catalog, [&](const std::string& name_space) { return catalog.DropNamespace(name_space); });
    trial.Run();
  }
  Tell(there ? file.string() : fmt::format("{} (not there yet)", file.string()), findings);
}

}  // namespace

std::vector<DoctorCheck> CatalogChecks(const PipelineConfig& pipeline) {
  return {{"catalog", [&pipeline](Findings& findings, const std::stop_token&) {
             const auto& catalog = pipeline.lake.catalog;
             if (catalog.rest) {
               LookAtRest(pipeline, *catalog.rest, findings);
             } else if (catalog.glue) {
               LookAtGlue(pipeline, *catalog.glue, findings);
             } else {
               LookAtFile(pipeline, findings);
             }
           }}};
}

}  // namespace millrace::app
