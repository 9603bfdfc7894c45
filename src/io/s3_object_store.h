#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/object_store.h"
#include "io/s3_options.h"

namespace millrace::io {

class S3Client;

/// A bucket, or what lies below a prefix of it, over S3's REST API (https://docs.aws.amazon.com/AmazonS3/latest/API) or
/// Google's XML form of it. Every creation carries a condition (`If-None-Match: *`) and a mark of its own in the
/// object's metadata: when an answer is lost and the retry is refused because the object is there, the mark tells our
/// own success from somebody else's. Bodies are hashed (SHA-256) and the server checks the hash.
/// Thread-safe. Writers outlive the store. Keys below ".millrace-tmp" are its own and hidden.
class S3ObjectStore final : public ObjectStore {
 public:
  explicit S3ObjectStore(S3Options options);
  ~S3ObjectStore() override;

  PutOutcome PutIfAbsent(const std::string& key, std::string_view bytes) override;
  PutOutcome PutHashed(const std::string& key, std::string_view bytes, const std::string& sha256) override;
  std::unique_ptr<ObjectWriter> OpenWriter(const std::string& key) override;
  std::optional<std::string> Get(const std::string& key) override;
  std::optional<int64_t> Size(const std::string& key) override;
  std::string GetRange(const std::string& key, int64_t offset, int64_t length) override;
  void List(const std::string& prefix, const std::string& after,
            const std::function<bool(const ObjectInfo&)>& visit) override;
  void Delete(const std::string& key) override;
  std::string UriOf(const std::string& key) const override;
  std::optional<std::string> KeyOf(std::string_view uri) const override;

  /// As OpenWriter, but for an upload in parts, however small it is.
  std::unique_ptr<ObjectWriter> OpenWriterInParts(const std::string& key);

  /// Puts a scratch object, then again, whole and in parts. Error kStop when that overwrote the first: such a store
  /// cannot serve exactly-once.
  void ProbeConditionalCreate();

 private:
  std::shared_ptr<S3Client> client_;
};

}  // namespace millrace::io
