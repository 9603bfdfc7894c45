#include "io/s3_object_store.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "base/log.h"
#include "io/hidden_file.h"
#include "io/object_key.h"
#include "io/outage_patience.h"
#include "io/percent_encoding.h"
#include "io/s3_client.h"
#include "io/s3_create.h"
#include "io/s3_writer.h"
#include "io/xml.h"

namespace millrace::io {
namespace {

constexpr int64_t kObjectBytesMax = int64_t{2} << 30;  // of one Get; larger objects are read by ranges

bool IsHidden(std::string_view key) { return key.starts_with(kHiddenFolder); }

void CheckStoreKey(const S3Client& client, const std::string& key) {
  CheckKey(key);
  CheckKey(client.FullKey(key));
  if (IsHidden(key))
    throw Error(ErrorCode::kConfig, fmt::format("'{}' lies where the store keeps its own; choose another name", key));
}

int64_t ParseSize(std::string_view text, const std::string& what) {
  int64_t size = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), size);
  if (parsed.ec != std::errc() || size < 0)
    throw Error(ErrorCode::kUnavailable, fmt::format("{}: the store gave no size, but '{}'", what, text));
  return size;
}

/// The pages of a listing.
class Listing {
 public:
  Listing(S3Client& client, const std::string& prefix, const std::string& after)
      : client_(client),
        strip_(client.FullKey("").size()),
        below_(prefix),
        prefix_(client.FullKey(prefix)),
        after_(after) {}

  /// False at the end, or when the visitor has had enough.
  bool Page(const std::function<bool(const ObjectInfo&)>& visit) {
    const S3Request request{.key = "", .query = Query(), .below = below_};
    const auto answer = client_.Send(request);
    if (!answer.ok()) throw ErrorOf(answer.refusal, client_.What(request));
    const auto page = ParseXml(answer.response.body);
    for (const auto& element : page.children) {
      if (element.name != "Contents") continue;
      auto key = element.TextOf("Key");
      if (key.size() <= strip_) continue;
      key.erase(0, strip_);
      if (!IsValidKey(key) || IsHidden(key) || key <= after_) continue;  // no objects of this store
      if (!visit({key, ParseSize(element.TextOf("Size"), client_.What(request))})) return false;
    }
    token_ = page.TextOf("NextContinuationToken");
    return page.TextOf("IsTruncated") == "true" && !token_.empty();
  }

 private:
  std::string Query() const {
    std::string query;
    if (!token_.empty()) query += "continuation-token=" + PercentEncoded(token_) + "&";
    query += "list-type=2&prefix=" + PercentEncoded(prefix_);
    if (!after_.empty()) query += "&start-after=" + PercentEncoded(client_.FullKey(after_));
    return query;
  }

  S3Client& client_;
  const size_t strip_;
  const std::string below_;
  const std::string prefix_;
  const std::string after_;
  std::string token_;
};

/// Deletes an object when it goes, also when its thread is to stop.
class Removed {
 public:
  Removed(S3Client& client, std::string key) : client_(client), key_(std::move(key)) {}
  Removed(const Removed&) = delete;
  Removed& operator=(const Removed&) = delete;
  ~Removed() {
    const OutagePatience unstopped({}, {});
    try {
      client_.Send({.method = "DELETE", .key = key_, .query = ""});
    } catch (const std::exception& error) {
      LogWarning("{} stays behind: {}", client_.UriOf(key_), error.what());
    }
  }

 private:
  S3Client& client_;
  const std::string key_;
};

}  // namespace

S3ObjectStore::S3ObjectStore(S3Options options) : client_(std::make_shared<S3Client>(std::move(options))) {}
S3ObjectStore::~S3ObjectStore() = default;

PutOutcome S3ObjectStore::PutIfAbsent(const std::string& key, std::string_view bytes) {
  CheckStoreKey(*client_, key);
  return CreateObject(*client_, key, bytes);
}

PutOutcome S3ObjectStore::PutHashed(const std::string& key, std::string_view bytes, const std::string& sha256) {
  CheckStoreKey(*client_, key);
  return CreateObject(*client_, key, bytes, sha256);
}

std::unique_ptr<ObjectWriter> S3ObjectStore::OpenWriter(const std::string& key) {
  CheckStoreKey(*client_, key);
  return std::make_unique<S3Writer>(client_, key);
}

std::unique_ptr<ObjectWriter> S3ObjectStore::OpenWriterInParts(const std::string& key) {
  CheckStoreKey(*client_, key);
  return std::make_unique<S3Writer>(client_, key, S3Writer::Way::kInParts);
}

std::optional<std::string> S3ObjectStore::Get(const std::string& key) {
  CheckStoreKey(*client_, key);
  const S3Request request{.key = key, .query = "", .response_bytes_max = kObjectBytesMax};
  auto answer = client_->Send(request);
  if (answer.response.status == 404 && answer.refusal.code != "NoSuchBucket") return std::nullopt;
  if (!answer.ok()) throw ErrorOf(answer.refusal, client_->What(request));
  return std::move(answer.response.body);
}

std::optional<int64_t> S3ObjectStore::Size(const std::string& key) {
  CheckStoreKey(*client_, key);
  const S3Request request{.method = "HEAD", .key = key, .query = ""};
  const auto answer = client_->Send(request);
  if (answer.response.status == 404) return std::nullopt;
  if (!answer.ok()) throw ErrorOf(answer.refusal, client_->What(request));
  return ParseSize(answer.response.header("content-length").value_or(""), client_->What(request));
}

std::string S3ObjectStore::GetRange(const std::string& key, int64_t offset, int64_t length) {
  CheckStoreKey(*client_, key);
  const auto wrong = [&](std::string_view why) {
    return Error(ErrorCode::kData, fmt::format("{}: {} bytes from byte {} on were asked for, but {}",
                                               client_->UriOf(key), length, offset, why));
  };
  if (offset < 0 || length < 0) throw wrong("there are none before the first");
  if (length == 0) {
    const auto size = Size(key);
    if (!size) throw wrong("the object does not exist; something outside removed it");
    if (offset > *size) throw wrong(fmt::format("it has {}", *size));
    return {};
  }
  S3Request request{.key = key, .query = "", .response_bytes_max = std::max(length, int64_t{64} << 10)};
  request.headers = {{"Range", fmt::format("bytes={}-{}", offset, offset + length - 1)}};
  auto answer = client_->Send(request);
  const int status = answer.response.status;
  if (status == 416) throw wrong("it is shorter");
  if (status == 404 && answer.refusal.code != "NoSuchBucket")
    throw wrong("the object does not exist; something outside removed it");
  if (!answer.ok()) throw ErrorOf(answer.refusal, client_->What(request));
  if (status != 206 || static_cast<int64_t>(answer.response.body.size()) != length)
    throw wrong(fmt::format("{} came", answer.response.body.size()));
  return std::move(answer.response.body);
}

void S3ObjectStore::List(const std::string& prefix, const std::string& after,
                         const std::function<bool(const ObjectInfo&)>& visit) {
  Listing listing(*client_, prefix, after);
  while (listing.Page(visit)) {
  }
}

void S3ObjectStore::Delete(const std::string& key) {
  CheckStoreKey(*client_, key);
  const S3Request request{.method = "DELETE", .key = key, .query = ""};
  const auto answer = client_->Send(request);
  if (answer.ok() || (answer.response.status == 404 && answer.refusal.code != "NoSuchBucket")) return;
  throw ErrorOf(answer.refusal, client_->What(request));
}

std::string S3ObjectStore::UriOf(const std::string& key) const {
  CheckStoreKey(*client_, key);
  return client_->UriOf(key);
}

std::optional<std::string> S3ObjectStore::KeyOf(std::string_view uri) const {
  for (const std::string_view scheme : {"s3://", "s3a://", "s3n://", "gs://"}) {
    if (!uri.starts_with(scheme) || (scheme == "gs://") != client_->options().google) continue;
    const auto root = client_->options().bucket + "/" + client_->FullKey("");
    const auto rest = uri.substr(scheme.size());
    if (!rest.starts_with(root)) return std::nullopt;
    std::string key(rest.substr(root.size()));
    if (IsValidKey(key) && !IsHidden(key)) return key;
    return std::nullopt;
  }
  return std::nullopt;
}

void S3ObjectStore::ProbeConditionalCreate() {
  const auto key = fmt::format("{}/probe-{}", kHiddenFolder, NewWriterMark());
  const Removed removed(*client_, key);
  CreateObject(*client_, key, "1");
  const auto whole = CreateObject(*client_, key, "2");
  S3Writer writer(client_, key, S3Writer::Way::kInParts);
  writer.Write("3");
  const auto in_parts = std::move(writer).Finish();
  if (whole == PutOutcome::kExists && in_parts == PutOutcome::kExists) return;
  throw Error(ErrorCode::kStop,
              fmt::format("the store of {} ignores the condition of {} ({}) and overwrites, so nothing can land in it "
                          "exactly once; use one that keeps it, such as AWS S3 or versitygw, or a local warehouse",
                          client_->UriOf(""), whole == PutOutcome::kExists ? "an upload in parts" : "a put",
                          client_->words().create_only.name));
}

}  // namespace millrace::io
