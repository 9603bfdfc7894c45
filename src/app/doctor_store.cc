#include <fmt/format.h>

#include <functional>
#include <memory>
#include <set>

#include "app/doctor_checks.h"
#include "app/scratch.h"
#include "app/warehouse_store.h"
#include "base/log.h"
#include "io/hidden_file.h"
#include "io/local_object_store.h"
#include "io/s3_object_store.h"

namespace millrace::app {
namespace {

/// Objects of our own in a store, tried one way after the other. What was put is deleted when it goes.
class StoreTrial {
 public:
  StoreTrial(io::ObjectStore& store, std::string place, Findings& findings)
      : store_(store), place_(std::move(place)), findings_(findings) {}
  StoreTrial(const StoreTrial&) = delete;
  StoreTrial& operator=(const StoreTrial&) = delete;
  ~StoreTrial() {
    const CleaningUp cleaning;
    for (const auto& key : std::exchange(put_, {})) {
      try {
        store_.Delete(key);
      } catch (const std::exception& error) {
        LogWarning("{} stays behind: {}", store_.UriOf(key), error.what());
      }
    }
  }

  /// Without a put there is nothing to try the others on.
  bool Put() {
    return Try("put", "s3:PutObject", [&] {
      put_.insert("one");
      Require(store_.PutIfAbsent("one", kText) == io::PutOutcome::kCreated, "an object that nobody made was there");
    });
  }

  void TryTheRest(const std::function<std::unique_ptr<io::ObjectWriter>(const std::string&)>& open_parts) {
    Try("get", "s3:GetObject", [&] {
      Require(store_.Get("one") == kText, "what was put came back changed");
      Require(store_.GetRange("one", 2, 3) == std::string(kText).substr(2, 3), "a range of bytes came back wrong");
    });
    Try("list", "s3:ListBucket", [&] {
      bool seen = false;
      store_.List("", "", [&](const io::ObjectInfo& info) { return !(seen = seen || info.key == "one"); });
      Require(seen, "what was put is not in the listing");
    });
    Try("write in parts", "s3:PutObject, s3:AbortMultipartUpload", [&] {
      put_.insert("two");
      auto writer = open_parts("two");
      writer->Write(kText);
      Require(std::move(*writer).Finish() == io::PutOutcome::kCreated, "an object that nobody made was there");
    });
    Try("delete", "s3:DeleteObject", [&] {
      for (const auto& key : put_) store_.Delete(key);
      Require(!store_.Size("one"), "what was deleted is still there");
      put_.clear();
    });
    if (!worked_.empty()) findings_.Ok(fmt::format("{}: {} work", place_, worked_));
  }

 private:
  static constexpr const char* kText = "millrace doctor was here";

  static void Require(bool is_so, const char* else_says) {
    if (!is_so) throw Error(ErrorCode::kStop, std::string(else_says) + "; use another store");
  }

  bool Try(const char* what, const char* right, const std::function<void()>& body) {
    try {
      body();
      worked_ += (worked_.empty() ? "" : ", ") + std::string(what);
      return true;
    } catch (const std::exception& failure) {
      // A stop ends all of it, and says so itself.
      if (io::OutagePatience::Stop().stop_requested()) throw;
      findings_.Fail(failure, fmt::format("grant {} there", right));
      return false;
    }
  }

  io::ObjectStore& store_;
  const std::string place_;
  Findings& findings_;
  std::string worked_;
  std::set<std::string> put_;
};

/// Below the folder that the warehouse hides, so that nobody who lists tables sees it.
io::S3Options ScratchOptions(io::S3Options options) {
  options.prefix += (options.prefix.empty() ? "" : "/") + fmt::format("{}/doctor-{}", io::kHiddenFolder, ScratchWord());
  options.retry.attempts_max = 3;
  return options;
}

void LookAtBucket(const io::S3Options& options, bool is_warehouse, const std::string& place, Findings& findings) {
  io::S3ObjectStore store(ScratchOptions(options));
  {
    StoreTrial trial(store, place, findings);
    if (!trial.Put()) return;
    trial.TryTheRest([&](const std::string& key) { return store.OpenWriterInParts(key); });
  }
  store.ProbeConditionalCreate();
  findings.Ok(fmt::format("{}: never overwrites where it is told not to, whole or in parts", place));
  if (!is_warehouse) return;
  io::S3ObjectStore warehouse(options);
  RequireWarehouseFormat(warehouse);
}

void LookAtFolder(const std::string& path, Findings& findings) {
  const ScratchFolder scratch(NearestFolder(path));
  const auto store = io::LocalObjectStore::Open(scratch.path());
  {
    StoreTrial trial(*store, path, findings);
    if (!trial.Put()) return;
    trial.TryTheRest([&](const std::string& key) { return store->OpenWriter(key); });
  }
  store->PutIfAbsent("three", "1");
  if (store->PutIfAbsent("three", "2") == io::PutOutcome::kExists && store->Get("three") == "1") {
    return findings.Ok(fmt::format("{}: never overwrites where it is told not to", path));
  }
  findings.Fail(fmt::format("{}: a file that was there was replaced, so nothing can land there exactly once", path),
                "use a local disk or a bucket");
}

DoctorCheck CheckOf(const PipelineConfig& pipeline, const std::string& place, const S3Config& access,
                    bool is_warehouse) {
  return {"store", [&pipeline, &access, place, is_warehouse](Findings& findings, const std::stop_token&) {
            const auto location = io::ParseS3Uri(place);
            if (!location) return LookAtFolder(place, findings);
            const auto& rest = pipeline.lake.catalog.rest;
            if (is_warehouse && rest && rest->vended_credentials) {
              return findings.Ok(
                  fmt::format("{}: its keys come from the catalogue, and are tried with the scratch table", place));
            }
            LookAtBucket(BucketOptions(access, *location), is_warehouse, place, findings);
          }};
}

}  // namespace

std::vector<DoctorCheck> StoreChecks(const PipelineConfig& pipeline) {
  std::vector<DoctorCheck> checks = {CheckOf(pipeline, pipeline.warehouse(), pipeline.lake.s3, true)};
  std::set<std::string> seen = {pipeline.warehouse()};
  for (const auto& [name, table] : pipeline.tables) {
    if (!table.files || !table.files->location) continue;
    const auto& place = table.files->location->value;
    const auto& access = table.files->s3 ? *table.files->s3 : pipeline.lake.s3;
    if (seen.insert(place).second) checks.push_back(CheckOf(pipeline, place, access, false));
  }
  return checks;
}

}  // namespace millrace::app
