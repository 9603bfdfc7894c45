#include "query/spark/spark_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace millrace::query {
namespace {

constexpr size_t kSaidBytesMax = 1000;

/// Up to the plan, the SQL or the stack trace that follows.
std::string Sentences(const std::string& message) {
  std::string_view text = message;
  while (text.starts_with('\n')) text.remove_prefix(1);
  for (const std::string_view end :
       {"\n\n== SQL", "\n== SQL", ";\n'", ";\n", "\n\tat ", "\n\nDriver stacktrace", "\n\n"})
    text = text.substr(0, text.find(end));
  return std::string(text.substr(0, kSaidBytesMax));
}

ErrorCode CodeOf(io::GrpcCode code) {
  switch (code) {
    case io::GrpcCode::kUnavailable:
    case io::GrpcCode::kDeadlineExceeded:
    case io::GrpcCode::kResourceExhausted:
    case io::GrpcCode::kAborted:
    case io::GrpcCode::kCancelled:
      return ErrorCode::kUnavailable;
    case io::GrpcCode::kUnauthenticated:
    case io::GrpcCode::kPermissionDenied:
    case io::GrpcCode::kUnimplemented:
      return ErrorCode::kConfig;
    case io::GrpcCode::kOk:
    case io::GrpcCode::kUnknown:
    case io::GrpcCode::kInvalidArgument:
    case io::GrpcCode::kNotFound:
    case io::GrpcCode::kAlreadyExists:
    case io::GrpcCode::kFailedPrecondition:
    case io::GrpcCode::kOutOfRange:
    case io::GrpcCode::kInternal:
    case io::GrpcCode::kDataLoss:
      return ErrorCode::kData;
  }
  throw Error(ErrorCode::kInternal, "a code of gRPC that there is not");
}

std::string_view MendOf(io::GrpcCode code) {
  switch (code) {
    case io::GrpcCode::kUnauthenticated:
    case io::GrpcCode::kPermissionDenied:
      return "; check `spark.token` and what it may do";
    case io::GrpcCode::kUnimplemented:
      return "; check that `spark.remote` is the port of Spark Connect, 15002 by itself";
    default:
      return "";
  }
}

}  // namespace

int LineIn(const std::string& message) {
  int line = 0;
  for (size_t at = message.find("line "); at != std::string::npos && line == 0; at = message.find("line ", at + 1)) {
    const char* const begin = message.data() + at + 5;
    const char* const end = message.data() + message.size();
    const auto [rest, error] = std::from_chars(begin, end, line);
    auto behind = std::string_view(rest, static_cast<size_t>(end - rest));
    if (behind.starts_with(',')) behind.remove_prefix(1);
    if (error != std::errc() || !behind.starts_with(" pos")) line = 0;
  }
  return line;
}

SparkError SparkErrorOf(const io::GrpcAnswer& answer, const std::string& server) {
  const auto said = Sentences(answer.message);
  return {CodeOf(answer.code),
          fmt::format("{}: {}{}", server, said.empty() ? std::string(io::ToString(answer.code)) : said,
                      MendOf(answer.code)),
          LineIn(answer.message)};
}

}  // namespace millrace::query
