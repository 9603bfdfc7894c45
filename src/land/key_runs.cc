#include "land/key_runs.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"

namespace millrace::land {
namespace {

using nlohmann::json;

KeyRun::Next Without(KeyRun::Next next, const std::function<bool(const KeyEntry&)>& dead) {
  return [next = std::move(next), &dead]() -> std::optional<KeyEntry> {
    auto entry = next();
    while (entry && dead(*entry)) entry = next();
    return entry;
  };
}

}  // namespace

KeyRuns::KeyRuns(std::filesystem::path folder, KeyRun::Form form) : folder_(std::move(folder)), form_(form) {}

json KeyRuns::Open() {
  std::filesystem::create_directories(folder_);
  std::ifstream file(folder_ / "index.json");
  json manifest = json::parse(file, nullptr, false);
  runs_.clear();
  if (manifest.is_object() && manifest.contains("runs")) {
    for (const auto& name : manifest["runs"]) {
      auto run = KeyRun::Open(folder_ / name.get<std::string>(), form_);
      if (!run) {
        LogWarning("key index {}: {} is damaged; reading the keys from the table again", folder_.string(),
                   name.get<std::string>());
        runs_.clear();
        manifest = nullptr;
        break;
      }
      runs_.push_back(std::move(run));
    }
  } else {
    manifest = nullptr;
  }
  Sweep();
  return manifest;
}

std::unique_ptr<KeyRun> KeyRuns::Write(int64_t keys_max, const KeyRun::Next& next) {
  std::filesystem::path path;
  do {
    path = folder_ / ("keys-" + std::to_string(++files_named_) + ".run");
  } while (std::filesystem::exists(path));
  return KeyRun::Write(path, form_, keys_max, next);
}

std::optional<RowPlace> KeyRuns::Find(const KeyHash& key) const {
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
    if (auto place = (*run)->Find(key)) return place;
  }
  return std::nullopt;
}

void KeyRuns::Merge(const std::function<bool(const KeyEntry&)>& dead) {
  while (runs_.size() > 1 && runs_[runs_.size() - 2]->size() <= 2 * runs_.back()->size()) {
    const auto newer = std::move(runs_.back());
    runs_.pop_back();
    const auto older = std::move(runs_.back());
    runs_.pop_back();
    auto merged = MergedRuns(older->Scan(), newer->Scan());
    if (dead && runs_.empty()) merged = Without(std::move(merged), dead);
    runs_.push_back(Write(older->size() + newer->size(), merged));
  }
}

void KeyRuns::Seal(json manifest, const std::function<bool(const KeyEntry&)>& dead) {
  std::vector<std::filesystem::path> before;
  for (const auto& run : runs_) before.push_back(run->path());
  Merge(dead);
  manifest["runs"] = json::array();
  std::set<std::filesystem::path> after;
  for (const auto& run : runs_) {
    manifest["runs"].push_back(run->path().filename().string());
    after.insert(run->path());
  }
  Save(manifest);
  std::error_code ignored;
  for (const auto& path : before) {
    if (!after.contains(path)) std::filesystem::remove(path, ignored);
  }
}

void KeyRuns::Clear() {
  for (const auto& run : runs_) run->Remove();
  runs_.clear();
}

void KeyRuns::Sweep() const {
  std::set<std::filesystem::path> named;
  for (const auto& run : runs_) named.insert(run->path());
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
    if (entry.path().extension() == ".run" && !named.contains(entry.path()))
      std::filesystem::remove(entry.path(), ignored);
  }
}

void KeyRuns::Save(const json& manifest) const {
  const auto draft = folder_ / "index.json.new";
  std::ofstream file(draft, std::ios::trunc);
  file << manifest.dump();
  file.close();
  std::error_code error;
  FaultPoint("key_index.before_rename");
  if (file) std::filesystem::rename(draft, folder_ / "index.json", error);
  if (!file || error) {
    throw Error(ErrorCode::kStop,
                "the key index in " + folder_.string() + " cannot be written: free space, or make it writable");
  }
  FaultPoint("key_index.after_rename");
}

}  // namespace millrace::land
