#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "land/key_run.h"

namespace millrace::land {

/// The runs of an index in its folder, oldest first, and the manifest that names them: `index.json`, replaced whole,
/// with "runs" among the members that the index itself puts there. Runs that no manifest names are what a crash left.
/// One thread changes it; Find may be called by several meanwhile.
class KeyRuns {
 public:
  KeyRuns(std::filesystem::path folder, KeyRun::Form form);

  /// Reads the manifest and opens its runs. Null when there is none, or a run of it is damaged: then there are no runs.
  /// Sweeps what is not named. Makes the folder.
  nlohmann::json Open();

  /// A new run that is no part of the index yet.
  std::unique_ptr<KeyRun> Write(int64_t keys_max, const KeyRun::Next& next);
  void Append(std::unique_ptr<KeyRun> run) { runs_.push_back(std::move(run)); }

  /// Of several entries of a key the newest.
  std::optional<RowPlace> Find(const KeyHash& key) const;
  bool empty() const { return runs_.empty(); }

  /// Merges runs so that each is more than twice its successor (few runs, and an entry is copied seldom), writes the
  /// manifest, and removes the runs that were merged. `dead`: entries that may go where nothing older is left to hide.
  void Seal(nlohmann::json manifest, const std::function<bool(const KeyEntry&)>& dead = {});
  void Clear();

 private:
  void Merge(const std::function<bool(const KeyEntry&)>& dead);
  void Save(const nlohmann::json& manifest) const;
  void Sweep() const;

  const std::filesystem::path folder_;
  const KeyRun::Form form_;
  std::vector<std::unique_ptr<KeyRun>> runs_;
  uint64_t files_named_ = 0;
};

}  // namespace millrace::land
