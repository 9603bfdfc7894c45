#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "catalog/catalog.h"
#include "query/engine.h"

namespace millrace::app {

/// SIGINT while statements are typed and run by hand: it ends the line, or the statement that runs. Made before any
/// other thread, so that none of them gets the signal.
class InterruptGate {
 public:
  InterruptGate();
  ~InterruptGate();
  InterruptGate(const InterruptGate&) = delete;
  InterruptGate& operator=(const InterruptGate&) = delete;
};

struct QueryShell {
  std::function<std::unique_ptr<query::ResultStream>(const std::string& sql, std::stop_token stop)> run;
  std::function<void(query::ResultStream& result, std::ostream& out)> print;
  catalog::Catalog& catalog;
  const std::map<catalog::TableName, std::string>& views;
};

/// Reads statements from the terminal and answers them until its user leaves.
void RunQueryShell(const QueryShell& shell);

}  // namespace millrace::app
