#include "io/s3_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "io/xml.h"

namespace millrace::io {
namespace {

template <size_t kCount>
bool IsOneOf(const std::string& code, const std::array<std::string_view, kCount>& codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::string MendOf(const S3Refusal& refusal) {
  const auto& code = refusal.code;
  if (code == "NoSuchBucket") return "there is no such bucket; create it, or mend lake.warehouse";
  if (code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch")
    return "the keys are not known or wrong; check the access key, its secret and the region";
  if (IsExpired(refusal)) return "the credentials have expired and no newer ones are to be had; renew them";
  if (IsClockSkew(refusal)) return "this machine's clock is off; set it (NTP)";
  if (!refusal.region.empty())
    return fmt::format("the bucket is in region {}; set lake.s3.region to it", refusal.region);
  if (refusal.status == 403)
    return "these credentials may not do this; grant s3:GetObject, s3:PutObject, s3:DeleteObject, "
           "s3:AbortMultipartUpload on the objects and s3:ListBucket on the bucket";
  if (refusal.status == 301 || refusal.status == 307)
    return "the bucket is elsewhere; check lake.s3.region and lake.s3.endpoint";
  if (refusal.status == 501) return "this store does not know conditional writes; use one that does";
  return "see what the service says of this error";
}

}  // namespace

S3Refusal RefusalOf(const HttpResponse& response) {
  S3Refusal refusal;
  refusal.status = response.status;
  refusal.region = response.header("x-amz-bucket-region").value_or("");
  if (response.body.empty()) return refusal;
  try {
    const auto root = ParseXml(response.body);
    refusal.code = root.TextOf("Code");
    refusal.message = root.TextOf("Message").substr(0, 300);
    if (refusal.region.empty()) refusal.region = root.TextOf("Region");
  } catch (const Error&) {
    // A proxy's page: the status must do.
  }
  return refusal;
}

bool IsPassing(const S3Refusal& refusal) {
  constexpr std::array<std::string_view, 8> kCodes = {"SlowDown",
                                                      "InternalError",
                                                      "ServiceUnavailable",
                                                      "RequestTimeout",
                                                      "ThrottlingException",
                                                      "OperationAborted",
                                                      "ConditionalRequestConflict",
                                                      "RequestLimitExceeded"};
  return (refusal.status >= 500 && refusal.status != 501) || refusal.status == 429 || IsOneOf(refusal.code, kCodes);
}

bool IsClockSkew(const S3Refusal& refusal) { return refusal.code == "RequestTimeTooSkewed"; }

bool IsExpired(const S3Refusal& refusal) {
  constexpr std::array<std::string_view, 4> kCodes = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired",
                                                      "InvalidToken"};
  return IsOneOf(refusal.code, kCodes);
}

bool IsUnknownKey(const S3Refusal& refusal) {
  constexpr std::array<std::string_view, 2> kCodes = {"InvalidAccessKeyId", "SignatureDoesNotMatch"};
  return IsOneOf(refusal.code, kCodes);
}

Error ErrorOf(const S3Refusal& refusal, const std::string& what) {
  const auto said = fmt::format("{}: status {}{}{}{}{}", what, refusal.status, refusal.code.empty() ? "" : " ",
                                refusal.code, refusal.message.empty() ? "" : ", ", refusal.message);
  if (IsPassing(refusal)) return {ErrorCode::kUnavailable, said + "; the store is busy or down, try again later"};
  return {ErrorCode::kStop, fmt::format("{}; {}", said, MendOf(refusal))};
}

}  // namespace millrace::io
