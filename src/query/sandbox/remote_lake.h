#pragma once

#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "catalog/catalog.h"
#include "query/brought_files.h"
#include "query/sandbox/channel.h"

namespace millrace::query {

/// The worker's end of the conversation: asks and waits for the answer. Thread-safe.
class LakeCalls {
 public:
  explicit LakeCalls(Channel& channel) : channel_(channel) {}

  /// The body of the reply. Throws the Error that the other side answers.
  std::string Ask(const nlohmann::json& call);
  /// What needs no answer.
  void Tell(FrameKind kind, std::string_view body);

 private:
  std::mutex mutex_;
  Channel& channel_;
};

/// An Error as it crosses over.
std::string PrintError(const Error& error);
Error ParseError(const std::string& text);

/// The lake of another process, to read: tables by name, and objects of those that were loaded. What would write is an
/// Error kInternal. `uri_root` is what stands before keys in URIs.
std::unique_ptr<io::ObjectStore> MakeRemoteStore(LakeCalls& calls, std::string uri_root);
std::unique_ptr<catalog::Catalog> MakeRemoteCatalog(LakeCalls& calls, io::ObjectStore& store);

/// Asks for data files to be made ready to open.
void BringFiles(LakeCalls& calls, const std::vector<KnownObject>& objects);

}  // namespace millrace::query
