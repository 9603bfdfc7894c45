#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "io/http_client.h"

namespace millrace::io {

/// What an S3 service says about a request it refused: the code of the error document, empty for HEAD.
struct S3Refusal {
  int status = 0;
  std::string code;
  std::string message;
  std::string region;  // where the bucket is, if it says
};

/// Also for the error document that a multipart upload's completion may answer with under status 200.
S3Refusal RefusalOf(const HttpResponse& response);

/// Whether the same request may succeed a little later.
bool IsPassing(const S3Refusal& refusal);
bool IsClockSkew(const S3Refusal& refusal);
bool IsExpired(const S3Refusal& refusal);
/// The keys are not known (any more), or are no key's.
bool IsUnknownKey(const S3Refusal& refusal);

/// kUnavailable for what may pass, else kStop with the mend. `what` is "PUT s3://bucket/key".
Error ErrorOf(const S3Refusal& refusal, const std::string& what);

}  // namespace millrace::io
