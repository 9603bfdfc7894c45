#include "app/export_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <utility>

#include "app/warehouse_store.h"
#include "base/error.h"
#include "io/s3_options.h"
#include "source/convert/byte_sink.h"

namespace millrace::app {
namespace {

constexpr size_t kNamesMax = 1000;
constexpr const char* kDoneMarker = "_SUCCESS";

class LocalFile final : public query::ExportFile {
 public:
  LocalFile(const std::string& path, bool replace)
      : sink_(source::MakeByteSink(path, source::Compression::kNone, replace)) {}
  void Write(std::string_view bytes) override { sink_->Write(bytes); }
  void Finish() && override { std::move(*sink_).Finish(); }

 private:
  std::unique_ptr<source::ByteSink> sink_;
};

class LocalPlace final : public ExportPlace {
 public:
  explicit LocalPlace(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::vector<std::string> Names() override {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder_, error), end; !error && it != end && names.size() < kNamesMax;
         it.increment(error))
      names.push_back(it->path().filename().string() + (it->is_directory() ? "/" : ""));
    if (error && error != std::errc::no_such_file_or_directory)
      throw Error(ErrorCode::kUsage,
                  fmt::format("{} is no folder that can be listed: {}", folder_.string(), error.message()));
    std::sort(names.begin(), names.end());
    return names;
  }
  bool Has(const std::string& name) override { return std::filesystem::exists(folder_ / name); }
  void Remove(const std::string& name) override { std::filesystem::remove(folder_ / name); }

  std::unique_ptr<query::ExportFile> Open(const std::string& name, bool replace) override {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error)
      throw Error(ErrorCode::kUsage,
                  fmt::format("the folder {} cannot be made: {}", folder_.string(), error.message()));
    return std::make_unique<LocalFile>((folder_ / name).string(), replace);
  }
  std::string Describe(const std::string& name) const override { return (folder_ / name).string(); }

 private:
  const std::filesystem::path folder_;
};

class BucketFile final : public query::ExportFile {
 public:
  BucketFile(io::ObjectStore& store, std::string key, bool replace)
      : store_(store), key_(std::move(key)), replace_(replace), writer_(store.OpenWriter(key_)) {}
  void Write(std::string_view bytes) override { writer_->Write(bytes); }
  void Finish() && override {
    if (replace_) store_.Delete(key_);
    if (std::move(*writer_).Finish() == io::PutOutcome::kCreated) return;
    throw Error(ErrorCode::kUsage,
                fmt::format("{} is there meanwhile: somebody else writes there", store_.UriOf(key_)));
  }

 private:
  io::ObjectStore& store_;
  const std::string key_;
  const bool replace_;
  std::unique_ptr<io::ObjectWriter> writer_;
};

class BucketPlace final : public ExportPlace {
 public:
  explicit BucketPlace(std::unique_ptr<io::ObjectStore> store) : store_(std::move(store)) {}

  std::vector<std::string> Names() override {
    std::vector<std::string> names;
    store_->List("", "", [&](const io::ObjectInfo& object) {
      const auto slash = object.key.find('/');
      auto name = slash == std::string::npos ? object.key : object.key.substr(0, slash + 1);
      if (names.empty() || names.back() != name) names.push_back(std::move(name));
      return names.size() < kNamesMax;
    });
    return names;
  }
  bool Has(const std::string& name) override { return store_->Size(name).has_value(); }
  void Remove(const std::string& name) override { store_->Delete(name); }
  std::unique_ptr<query::ExportFile> Open(const std::string& name, bool replace) override {
    return std::make_unique<BucketFile>(*store_, name, replace);
  }
  std::string Describe(const std::string& name) const override {
    const auto uri = store_->UriOf("x");
    return uri.substr(0, uri.size() - 1) + name;
  }

 private:
  std::unique_ptr<io::ObjectStore> store_;
};

/// "part-00012.csv", and the "part-00012.csv.partial" that a process leaves which was ended.
bool IsOurs(std::string_view name) {
  constexpr std::string_view kStart = "part-";
  if (name == kDoneMarker) return true;
  if (!name.starts_with(kStart)) return false;
  name.remove_prefix(kStart.size());
  const auto dot = name.find('.');
  const auto digits = name.substr(0, dot);
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  if (dot == std::string_view::npos || digits.size() < 5 || !std::all_of(digits.begin(), digits.end(), is_digit))
    return false;
  auto extension = name.substr(dot + 1);
  if (extension.ends_with(".partial")) extension.remove_suffix(8);
  return query::ParseOutputFormat(extension).has_value();
}

/// The names that are there, all of an earlier export.
std::vector<std::string> RequireRoom(ExportPlace& place, bool overwrite) {
  auto names = place.Names();
  if (names.empty()) return names;
  const auto foreign = std::find_if_not(names.begin(), names.end(), IsOurs);
  if (foreign != names.end()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} is there, which no export made; choose a place of its own, where rows of "
                            "one export are not mixed with anything",
                            place.Describe(*foreign)));
  }
  if (overwrite) return names;
  throw Error(
      ErrorCode::kUsage,
      fmt::format("{} is there, from an earlier export; choose an empty place, or --overwrite to replace what that "
                  "export made",
                  place.Describe(names.front())));
}

}  // namespace

ExportTarget OpenExportTarget(const PipelineConfig& pipeline, const std::string& to) {
  const bool is_folder = to.ends_with('/');
  const auto slash = to.rfind('/');
  if (to.find("://") != std::string::npos) {
    const auto uri = is_folder ? to : to.substr(0, slash);
    const auto location = io::ParseS3Uri(uri);
    if (!location)
      throw Error(ErrorCode::kUsage,
                  fmt::format("--to takes a path, s3://bucket/prefix/ or gs://bucket/prefix/, not '{}'", to));
    if (!is_folder && slash <= to.find("://") + 2)
      throw Error(ErrorCode::kUsage, fmt::format("'{}' names a bucket alone; {}/ puts files into it", to, to));
    return {.place = std::make_unique<BucketPlace>(OpenBucket(pipeline, *location)),
            .name = is_folder ? "" : to.substr(slash + 1)};
  }
  if (is_folder || std::filesystem::is_directory(to)) return {.place = std::make_unique<LocalPlace>(to), .name = ""};
  const std::filesystem::path path(to);
  return {.place = std::make_unique<LocalPlace>(path.has_parent_path() ? path.parent_path() : "."),
          .name = path.filename().string()};
}

query::ExportStats ExportParts(ExportPlace& place, query::ResultStream& result, const query::ExportOptions& options,
                               const std::string& extension, bool overwrite,
                               const std::function<void(const query::ExportStats&)>& tell) {
  auto old = RequireRoom(place, overwrite);
  const auto clear = [&] {
    // The marker first: what is half removed is not taken for whole.
    std::stable_partition(old.begin(), old.end(), [](const std::string& name) { return name == kDoneMarker; });
    while (!old.empty()) {
      for (const auto& name : old) place.Remove(name);
      old = RequireRoom(place, true);
    }
  };
  const auto open = [&](int64_t part) {
    if (part == 0) clear();
    return place.Open(fmt::format("part-{:05}.{}", part, extension), false);
  };
  const auto stats = query::Export(result, options, open, tell);
  std::move(*place.Open(kDoneMarker, false)).Finish();
  return stats;
}

}  // namespace millrace::app
