#include "io/aws_signer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <vector>

#include "io/digest.h"
#include "io/percent_encoding.h"

namespace millrace::io {
namespace {

struct UrlParts {
  std::string host;   // as the Host header has it
  std::string path;   // "/" at least
  std::string query;  // without '?'
};

UrlParts SplitUrl(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) throw Error(ErrorCode::kInternal, "a request to be signed has no absolute URL");
  const auto host = scheme + 3;
  const auto path = std::min(url.find_first_of("/?", host), url.size());
  const auto query = std::min(url.find('?', path), url.size());
  UrlParts parts{url.substr(host, path - host), url.substr(path, query - path),
                 query < url.size() ? url.substr(query + 1) : ""};
  if (parts.path.empty()) parts.path = "/";
  const auto default_port = url.starts_with("https:") ? ":443" : ":80";
  if (parts.host.ends_with(default_port)) parts.host.erase(parts.host.rfind(':'));
  return parts;
}

std::string CanonicalQuery(const std::string& query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (size_t begin = 0; begin < query.size();) {
    const auto end = std::min(query.find('&', begin), query.size());
    const auto pair = query.substr(begin, end - begin);
    const auto equals = std::min(pair.find('='), pair.size());
    if (!pair.empty()) pairs.emplace_back(pair.substr(0, equals), equals < pair.size() ? pair.substr(equals + 1) : "");
    begin = end + 1;
  }
  std::sort(pairs.begin(), pairs.end());
  std::string canonical;
  for (const auto& [name, value] : pairs)
    canonical += fmt::format("{}{}={}", canonical.empty() ? "" : "&", name, value);
  return canonical;
}

/// Without blanks around, and single ones inside.
std::string Squeezed(std::string_view value) {
  std::string squeezed;
  for (const char c : value) {
    if (c != ' ' || (!squeezed.empty() && squeezed.back() != ' ')) squeezed += c;
  }
  if (!squeezed.empty() && squeezed.back() == ' ') squeezed.pop_back();
  return squeezed;
}

std::string LowerCase(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

/// By lower-case name, values of one name joined.
std::map<std::string, std::string> CanonicalHeaders(const HttpRequest& request, const std::string& host) {
  std::map<std::string, std::string> headers = {{"host", host}};
  for (const auto& header : request.headers) {
    const auto [it, first] = headers.emplace(LowerCase(header.name), Squeezed(header.value));
    if (!first) it->second += "," + Squeezed(header.value);
  }
  return headers;
}

/// "20150830T123600Z"
std::string BasicTime(Timestamp now) {
  auto text = FormatTimestamp(std::chrono::floor<std::chrono::seconds>(now));
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

bool IsObjectStorage(const std::string& service) {
  return service == "s3" || service == "s3tables" || service == "storage";
}

}  // namespace

void SignRequest(HttpRequest& request, const AwsCredentials& credentials, const AwsSigning& signing, Timestamp now) {
  const auto& dialect = signing.dialect;
  const auto header = [&](std::string_view name) { return fmt::format("{}{}", dialect.header_prefix, name); };
  const auto time = BasicTime(now);
  const auto payload = signing.payload_sha256.empty() ? Hex(Sha256(request.body)) : signing.payload_sha256;
  request.headers.push_back({header("date"), time});
  if (!credentials.session_token.empty())
    request.headers.push_back({header("security-token"), credentials.session_token});
  if (IsObjectStorage(signing.service)) request.headers.push_back({header("content-sha256"), payload});

  const auto url = SplitUrl(request.url);
  std::string header_lines;
  std::string header_names;
  for (const auto& [name, value] : CanonicalHeaders(request, url.host)) {
    header_lines += fmt::format("{}:{}\n", name, value);
    header_names += fmt::format("{}{}", header_names.empty() ? "" : ";", name);
  }
  const bool as_it_is = signing.service == "s3" || signing.service == "storage";
  const auto path = as_it_is ? url.path : PercentEncoded(url.path, true);
  const auto canonical = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, path, CanonicalQuery(url.query),
                                     header_lines, header_names, payload);
  const auto date = time.substr(0, 8);
  const auto scope = fmt::format("{}/{}/{}/{}", date, signing.region, signing.service, dialect.request_word);
  const auto to_sign = fmt::format("{}\n{}\n{}\n{}", dialect.algorithm, time, scope, Hex(Sha256(canonical)));

  auto key = fmt::format("{}{}", dialect.key_prefix, credentials.secret_access_key);
  for (const std::string_view part : {std::string_view(date), std::string_view(signing.region),
                                      std::string_view(signing.service), dialect.request_word}) {
    key = HmacSha256(key, part);
  }
  request.headers.push_back(
      {"Authorization", fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", dialect.algorithm,
                                    credentials.access_key_id, scope, header_names, Hex(HmacSha256(key, to_sign)))});
}

}  // namespace millrace::io
