#include "io/s3_writer.h"

#include <fmt/format.h>

#include "base/fault.h"
#include "base/log.h"
#include "io/percent_encoding.h"
#include "io/s3_create.h"
#include "io/xml.h"

namespace millrace::io {

S3Writer::S3Writer(std::shared_ptr<S3Client> client, std::string key, Way way)
    : client_(std::move(client)), key_(std::move(key)), way_(way), mark_(NewWriterMark()) {}

S3Writer::~S3Writer() { Abort(); }

void S3Writer::Write(std::string_view bytes) {
  const auto part_bytes = static_cast<size_t>(client_->options().part_bytes);
  bytes_written_ += static_cast<int64_t>(bytes.size());
  while (buffer_.size() + bytes.size() > part_bytes) {
    const auto taken = part_bytes - buffer_.size();
    buffer_ += bytes.substr(0, taken);
    bytes.remove_prefix(taken);
    UploadPart();
  }
  buffer_ += bytes;
}

PutOutcome S3Writer::Finish() && {
  if (upload_id_.empty() && way_ == Way::kBySize) return CreateObject(*client_, key_, buffer_);
  if (!buffer_.empty()) UploadPart();
  return Complete();
}

void S3Writer::Begin() {
  S3Request request{.method = "POST", .key = key_, .query = "uploads="};
  request.headers = {{client_->words().writer_header, mark_}, {"Content-Type", "application/octet-stream"}};
  const auto answer = client_->Send(request);
  if (!answer.ok()) throw ErrorOf(answer.refusal, client_->What(request));
  upload_id_ = ParseXml(answer.response.body).TextOf("UploadId");
  if (upload_id_.empty())
    throw Error(ErrorCode::kUnavailable, client_->What(request) + ": the store began an upload without naming it");
}

void S3Writer::UploadPart() {
  if (upload_id_.empty()) Begin();
  const auto number = etags_.size() + 1;
  const S3Request request{.method = "PUT",
                          .key = key_,
                          .query = fmt::format("partNumber={}&uploadId={}", number, PercentEncoded(upload_id_)),
                          .body = buffer_};
  FaultPoint("io.s3.part");
  const auto answer = client_->Send(request);
  FaultPoint("io.s3.part");
  if (!answer.ok()) throw ErrorOf(answer.refusal, client_->What(request));
  etags_.emplace_back(answer.response.header("etag").value_or(""));
  buffer_.clear();
}

PutOutcome S3Writer::Complete() {
  std::string body = "<CompleteMultipartUpload>";
  for (size_t i = 0; i < etags_.size(); ++i) {
    body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i + 1, XmlEscaped(etags_[i]));
  }
  body += "</CompleteMultipartUpload>";
  S3Request request{.method = "POST", .key = key_, .query = "uploadId=" + PercentEncoded(upload_id_), .body = body};
  request.headers = {client_->words().create_only, {"Content-Type", "application/xml"}};
  FaultPoint("io.s3.complete");
  const auto answer = client_->Send(request);
  FaultPoint("io.s3.complete");
  if (!answer.ok()) return Settle(answer, request);
  upload_id_.clear();
  return PutOutcome::kCreated;
}

PutOutcome S3Writer::Settle(const S3Answer& answer, const S3Request& request) {
  const bool refused = answer.response.status == 412 || answer.refusal.code == "PreconditionFailed";
  const bool gone = answer.refusal.code == "NoSuchUpload";
  if (!refused && !gone) throw ErrorOf(answer.refusal, client_->What(request));
  if (refused && !answer.may_have_happened) return PutOutcome::kExists;
  const auto ours = HasMark(*client_, key_, mark_);
  if (ours) return *ours ? PutOutcome::kCreated : PutOutcome::kExists;
  throw Error(ErrorCode::kUnavailable,
              fmt::format("{}: the upload is gone and left no object; a lifecycle rule of the bucket or somebody "
                          "aborted it",
                          client_->What(request)));
}

void S3Writer::Abort() noexcept {
  if (upload_id_.empty()) return;
  try {
    client_->Send({.method = "DELETE", .key = key_, .query = "uploadId=" + PercentEncoded(upload_id_)});
  } catch (const std::exception& error) {
    LogWarning("an unfinished upload is left in the bucket; a lifecycle rule removes such: {}", error.what());
  }
}

}  // namespace millrace::io
