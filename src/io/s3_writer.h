#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/object_store.h"
#include "io/s3_client.h"

namespace millrace::io {

/// One object, put whole when it is small, else as a multipart upload whose completion carries the condition. Buffers
/// one part. An upload that was not completed is aborted, so that its parts are not paid for.
class S3Writer final : public ObjectWriter {
 public:
  enum class Way { kBySize, kInParts };
  S3Writer(std::shared_ptr<S3Client> client, std::string key, Way way = Way::kBySize);
  ~S3Writer() override;

  void Write(std::string_view bytes) override;
  int64_t bytes_written() const override { return bytes_written_; }
  PutOutcome Finish() && override;

 private:
  void UploadPart();
  void Begin();
  PutOutcome Complete();
  /// What to make of an upload that is gone, or refused, after a completion whose answer was lost.
  PutOutcome Settle(const S3Answer& answer, const S3Request& request);
  void Abort() noexcept;

  std::shared_ptr<S3Client> client_;
  const std::string key_;
  const Way way_;
  const std::string mark_;
  std::string buffer_;
  std::string upload_id_;  // empty: no upload was begun
  std::vector<std::string> etags_;
  int64_t bytes_written_ = 0;
};

}  // namespace millrace::io
