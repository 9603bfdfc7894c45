#include "app/warehouse_store.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "app/aws_access.h"
#include "app/data_directory.h"
#include "app/version.h"
#include "base/error.h"
#include "io/local_object_store.h"
#include "io/s3_object_store.h"

namespace millrace::app {
namespace {

constexpr int kWarehouseFormat = 1;  // frozen
constexpr const char* kWarehouseWord = "millrace warehouse";
/// Hidden, so that tools that list the warehouse see tables only.
constexpr const char* kWarehouseMarker = ".millrace-format";

std::string WantedMarker() { return fmt::format("{} {}\n", kWarehouseWord, kWarehouseFormat); }

void RequireMarker(const io::ObjectStore& store, const std::optional<std::string>& found) {
  if (!found || *found == WantedMarker()) return;
  throw Error(ErrorCode::kStop,
              fmt::format("{} says '{}', and millrace {} knows '{} {}'; use the version of millrace that made it, or "
                          "another prefix",
                          store.UriOf(kWarehouseMarker), found->substr(0, std::min<size_t>(found->find('\n'), 80)),
                          kVersion, kWarehouseWord, kWarehouseFormat));
}

/// The marker of a bucket's warehouse, as EnsureFormat keeps that of a folder.
void EnsureBucketFormat(io::ObjectStore& store) {
  auto found = store.Get(kWarehouseMarker);
  if (!found && store.PutIfAbsent(kWarehouseMarker, WantedMarker()) == io::PutOutcome::kExists)
    found = store.Get(kWarehouseMarker);
  RequireMarker(store, found);
}

std::unique_ptr<io::ObjectStore> Open(const PipelineConfig& pipeline, std::shared_ptr<io::PrefixCredentials> vended,
                                      bool to_write) {
  if (const auto location = io::ParseS3Uri(pipeline.warehouse())) {
    auto options = BucketOptions(pipeline.lake.s3, *location);
    options.vended = std::move(vended);
    const bool beside_tables = options.vended == nullptr;
    auto store = std::make_unique<io::S3ObjectStore>(std::move(options));
    if (!beside_tables) return store;
    if (to_write) store->ProbeConditionalCreate();
    EnsureBucketFormat(*store);
    return store;
  }
  auto store = io::LocalObjectStore::Open(pipeline.warehouse());
  EnsureFormat(store->root(), kWarehouseMarker, kWarehouseWord, kWarehouseFormat);
  return store;
}

}  // namespace

io::S3Options BucketOptions(const S3Config& config, const io::S3Location& location) {
  io::S3Options options;
  options.bucket = location.bucket;
  options.prefix = location.prefix;
  options.google = location.scheme == "gs";
  options.endpoint = config.endpoint;
  options.region = config.region;
  options.path_style = config.path_style;
  if (config.ca_file) options.ca_file = config.ca_file->value;
  options.credentials = CredentialsOf(config);
  return options;
}

std::unique_ptr<io::ObjectStore> OpenWarehouse(const PipelineConfig& pipeline,
                                               std::shared_ptr<io::PrefixCredentials> vended) {
  return Open(pipeline, std::move(vended), false);
}

std::unique_ptr<io::ObjectStore> OpenWarehouseToWrite(const PipelineConfig& pipeline,
                                                      std::shared_ptr<io::PrefixCredentials> vended) {
  return Open(pipeline, std::move(vended), true);
}

std::unique_ptr<io::ObjectStore> OpenBucket(const PipelineConfig& pipeline, const io::S3Location& location) {
  return std::make_unique<io::S3ObjectStore>(BucketOptions(pipeline.lake.s3, location));
}

void RequireWarehouseFormat(io::ObjectStore& store) { RequireMarker(store, store.Get(kWarehouseMarker)); }

void RequireWarehouse(io::ObjectStore& store) {
  if (store.Size(kWarehouseMarker)) return;
  throw Error(ErrorCode::kUnavailable, fmt::format("{} is gone", store.UriOf(kWarehouseMarker)));
}

bool MayHaveWarehouse(const PipelineConfig& pipeline) {
  return io::ParseS3Uri(pipeline.warehouse()).has_value() || std::filesystem::exists(pipeline.warehouse());
}

}  // namespace millrace::app
