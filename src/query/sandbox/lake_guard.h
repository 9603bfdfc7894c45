#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "query/data_files.h"

namespace millrace::query {

/// Answers what the worker of one statement asks of the lake: names of tables, and of the tables that it loaded what
/// lies below their folders. Nothing else of the store, and nothing that writes. What is asked may be anything: the
/// worker runs SQL from outside.
class LakeGuard {
 public:
  /// Borrows all; `allow` is told the path of each file that may be opened from now on.
  LakeGuard(catalog::Catalog& catalog, DataFiles& files, std::function<void(std::string path)> allow);

  /// The body of a reply. Error kData for what may not be had.
  std::string Answer(const std::string& call);

 private:
  std::string Load(const nlohmann::json& call);
  std::string Read(const nlohmann::json& call);
  std::string Bring(const nlohmann::json& call);
  std::string AllowedKey(const nlohmann::json& call) const;
  void AllowBelow(const std::string& uri);

  catalog::Catalog& catalog_;
  DataFiles& files_;
  const std::function<void(std::string)> allow_;
  std::set<std::string> keys_;      // single objects
  std::set<std::string> prefixes_;  // "silver/users/"
  std::vector<std::shared_ptr<void>> held_;
};

}  // namespace millrace::query
