#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "io/s3_options.h"
#include "schema/json_object.h"

namespace millrace::catalog {

/// Credentials for what lies below a prefix, as a catalogue vends them (REST spec, StorageCredential).
struct StorageCredential {
  std::string prefix;  // "s3://bucket/path", also shorter: text that a location begins with
  io::AwsCredentials keys;
};

/// Those of an answer to loading a table, or its credentials: `storage-credentials`, and behind them what `config` says
/// for the whole table at `location`. Only S3's are known. Error kData when they are not what the spec says.
std::vector<StorageCredential> ParseStorageCredentials(const schema::JsonObject& answer, const std::string& location);

/// What a catalogue has vended, for the store that uses it: of an object's credentials those with the longest prefix.
/// Shortly before they end, and when the store refuses them, the catalogue is asked anew. Thread-safe.
class VendedCredentials final : public io::PrefixCredentials {
 public:
  /// Asks the catalogue for the credentials of a table.
  using Refresh = std::function<std::vector<StorageCredential>(const TableName&)>;

  explicit VendedCredentials(const Clock& clock = Clock::System()) : clock_(clock) {}

  /// Set once, by the catalogue, before anything is asked; empty: nobody is asked any more.
  void SetRefresh(Refresh refresh);
  /// `table` got these.
  void Learn(const TableName& table, const std::vector<StorageCredential>& credentials);

  std::optional<io::AwsCredentials> For(const std::string& uri) override;
  void Refused(const std::string& uri, const io::AwsCredentials& used) override;

 private:
  struct Entry {
    TableName table;
    io::AwsCredentials keys;
    Timestamp learned{};
    Timestamp ask_again_at{};  // after a catalogue that did not answer
    bool refused = false;
  };
  using Entries = std::map<std::string, Entry, std::greater<>>;  // the longer of two prefixes of a text first

  Entries::iterator Find(const std::string& uri);
  bool IsStale(const Entry& entry) const;
  bool HasEnded(const Entry& entry) const;

  const Clock& clock_;
  std::mutex refreshing_;  // one asks, the others wait for what it gets
  std::mutex mutex_;
  Refresh refresh_;
  Entries entries_;
};

}  // namespace millrace::catalog
