#include "base/error.h"

namespace millrace {

std::string_view ToString(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUsage:
      return "usage";
    case ErrorCode::kConfig:
      return "config";
    case ErrorCode::kData:
      return "data";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kStop:
      return "stop";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

Error::Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) { Render(); }

Error& Error::Within(std::string context) & {
  context_.push_back(std::move(context));
  Render();
  return *this;
}

Error&& Error::Within(std::string context) && { return std::move(this->Within(std::move(context))); }

void Error::Render() {
  rendered_.clear();
  for (auto it = context_.rbegin(); it != context_.rend(); ++it) {
    if (!rendered_.empty()) rendered_ += ", ";
    rendered_ += *it;
  }
  if (!rendered_.empty()) rendered_ += ": ";
  rendered_ += message_;
}

ExitCode ExitCodeFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUsage:
      return ExitCode::kUsage;
    case ErrorCode::kConfig:
      return ExitCode::kConfig;
    case ErrorCode::kUnavailable:
      return ExitCode::kUnavailable;
    case ErrorCode::kData:
    case ErrorCode::kStop:
    case ErrorCode::kInternal:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

}  // namespace millrace
