#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::io {

struct ObjectInfo {
  std::string key;
  int64_t size = 0;
};

enum class PutOutcome { kCreated, kExists };

/// Streams one new object. Nothing is visible under its key before Finish; dropping it unfinished leaves nothing.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual void Write(std::string_view bytes) = 0;
  virtual int64_t bytes_written() const = 0;
  /// Durable (data and name) and visible when it returns. kExists: an object of that key was there and was left alone.
  virtual PutOutcome Finish() && = 0;
};

/// A flat space of immutable objects under '/'-separated keys relative to one root (a folder, a bucket prefix).
/// Thread-safe. Failures are Error kUnavailable (try again) or kStop (full, read-only, denied: says the mend).
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// Creates only; never overwrites.
  virtual PutOutcome PutIfAbsent(const std::string& key, std::string_view bytes) = 0;
  /// The same for whoever has the SHA-256 of the bytes already, in hexadecimal: some stores want it, and to make it
  /// takes longer than to send them. A wrong one is refused by those.
  virtual PutOutcome PutHashed(const std::string& key, std::string_view bytes, const std::string& /*sha256*/) {
    return PutIfAbsent(key, bytes);
  }
  virtual std::unique_ptr<ObjectWriter> OpenWriter(const std::string& key) = 0;

  /// nullopt when there is no such object.
  virtual std::optional<std::string> Get(const std::string& key) = 0;
  virtual std::optional<int64_t> Size(const std::string& key) = 0;
  /// Exactly [offset, offset + length), which must lie inside the object.
  virtual std::string GetRange(const std::string& key, int64_t offset, int64_t length) = 0;

  /// Every object whose key starts with `prefix` and is greater than `after`, in byte order of keys.
  virtual void List(const std::string& prefix, const std::string& after,
                    const std::function<bool(const ObjectInfo&)>& visit) = 0;

  /// No error when it is not there.
  virtual void Delete(const std::string& key) = 0;

  /// The absolute URI other engines read, e.g. "file:///data/lake/x". KeyOf is its inverse: nullopt when the URI
  /// is not under this root (".." never leaves it).
  virtual std::string UriOf(const std::string& key) const = 0;
  virtual std::optional<std::string> KeyOf(std::string_view uri) const = 0;
};

}  // namespace millrace::io
