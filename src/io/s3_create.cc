#include "io/s3_create.h"

#include <fmt/format.h>

#include <mutex>

#include "base/fault.h"
#include "base/random.h"
#include "io/digest.h"

namespace millrace::io {
namespace {

constexpr int kPreconditionFailed = 412;
constexpr int kRoundsMax = 3;

}  // namespace

std::string NewWriterMark() {
  static std::mutex mutex;
  static Random random = Random::FromSystem();
  const std::lock_guard lock(mutex);
  return random.Uuid();
}

std::optional<bool> HasMark(S3Client& client, const std::string& key, const std::string& mark) {
  const S3Request request{.method = "HEAD", .key = key, .query = ""};
  const auto answer = client.Send(request);
  if (answer.response.status == 404) return std::nullopt;
  if (!answer.ok()) throw ErrorOf(answer.refusal, client.What(request));
  return answer.response.header(client.words().writer_header) == mark;
}

PutOutcome CreateObject(S3Client& client, const std::string& key, std::string_view bytes) {
  return CreateObject(client, key, bytes, Hex(Sha256(bytes)));
}

PutOutcome CreateObject(S3Client& client, const std::string& key, std::string_view bytes, const std::string& sha256) {
  const auto mark = NewWriterMark();
  S3Request request{.method = "PUT", .key = key, .query = "", .body = bytes, .payload_sha256 = sha256};
  request.headers = {
      client.words().create_only, {client.words().writer_header, mark}, {"Content-Type", "application/octet-stream"}};
  if (!client.words().checksum_header.empty())
    request.headers.push_back({client.words().checksum_header, Base64(FromHex(sha256))});
  for (int round = 0; round < kRoundsMax; ++round) {
    FaultPoint("io.s3.put");
    const auto answer = client.Send(request);
    FaultPoint("io.s3.put");
    if (answer.ok()) return PutOutcome::kCreated;
    if (answer.response.status != kPreconditionFailed) throw ErrorOf(answer.refusal, client.What(request));
    if (!answer.may_have_happened) return PutOutcome::kExists;
    if (const auto ours = HasMark(client, key, mark)) return *ours ? PutOutcome::kCreated : PutOutcome::kExists;
    // It was there and is gone: somebody deleted it, so it may be created again.
  }
  throw Error(
      ErrorCode::kUnavailable,
      fmt::format("{}: the object comes and goes; see what else writes and deletes there", client.What(request)));
}

}  // namespace millrace::io
