#include "io/s3_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "io/object_key.h"

namespace millrace::io {
namespace {

bool IsBucketName(std::string_view name) {
  return name.size() >= 3 && name.size() <= 222 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                  c == '_';
         });
}

/// Certificates are for one label below the service's name; addresses have no names below them.
bool PathStyle(const S3Options& options) {
  return options.path_style.value_or(!options.endpoint.empty() || options.google ||
                                     options.bucket.find('.') != std::string::npos);
}

std::string Endpoint(const S3Options& options) {
  if (options.google && options.endpoint.empty()) return "https://storage.googleapis.com";
  if (options.endpoint.empty())
    return fmt::format("https://s3.{}.amazonaws.com{}", options.region, options.region.starts_with("cn-") ? ".cn" : "");
  auto endpoint = options.endpoint;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const auto host = endpoint.find("://");
  const bool http = endpoint.starts_with("http://") || endpoint.starts_with("https://");
  if (!http || endpoint.find_first_of("/?#@", host + 3) != std::string::npos)
    throw Error(ErrorCode::kConfig,
                fmt::format("the S3 endpoint must be http://host:port or https://host, without path or user, not '{}'",
                            endpoint.substr(0, endpoint.find('@'))));
  return endpoint;
}

}  // namespace

std::optional<S3Location> ParseS3Uri(std::string_view uri) {
  const auto scheme_end = uri.find("://");
  const auto scheme = uri.substr(0, scheme_end);
  if (scheme != "s3" && scheme != "s3a" && scheme != "s3n" && scheme != "gs") return std::nullopt;
  auto rest = uri.substr(scheme_end + 3);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const auto bucket = rest.substr(0, rest.find('/'));
  if (!IsBucketName(bucket))
    throw Error(ErrorCode::kConfig, fmt::format("'{}' names no bucket; write it as {}://bucket/prefix", uri, scheme));
  const auto prefix = rest.size() > bucket.size() ? rest.substr(bucket.size() + 1) : std::string_view();
  if (!prefix.empty()) CheckKey(prefix);
  return S3Location{scheme == "gs" ? "gs" : "s3", std::string(bucket), std::string(prefix)};
}

std::string BucketUrl(const S3Options& options) {
  const auto endpoint = Endpoint(options);
  if (PathStyle(options)) return endpoint + "/" + options.bucket;
  const auto host = endpoint.find("://") + 3;
  return endpoint.substr(0, host) + options.bucket + "." + endpoint.substr(host);
}

}  // namespace millrace::io
