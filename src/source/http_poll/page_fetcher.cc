#include "source/http_poll/page_fetcher.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/http_url.h"

namespace millrace::source {
namespace {

io::HttpClient::Options ClientOptions(const HttpPollOptions& options) {
  io::HttpClient::Options client;
  client.ca_file = options.ca_file;
  // Behind a proxy nobody sees here what address a name has.
  client.use_proxy_variables = options.allow_private;
  if (!options.allow_private) {
    client.allow_address = [ranges = options.allow_addresses](const std::string& address) {
      return io::IsPublicAddress(address) ||
             std::ranges::any_of(ranges, [&](const auto& range) { return range.Contains(address); });
    };
  }
  return client;
}

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// What a browser does: 303 always, and POST after 301 and 302, becomes GET.
bool BecomesGet(int status, const std::string& method) {
  return method != "HEAD" && (status == 303 || ((status == 301 || status == 302) && method == "POST"));
}

}  // namespace

PageFetcher::PageFetcher(const HttpPollOptions& options)
    : options_(options), origin_(io::OriginOf(options.url)), client_(ClientOptions(options)) {}

io::HttpRequest PageFetcher::RequestFor(const std::string& url, const std::string& method,
                                        const std::vector<io::HttpHeader>& conditions) const {
  io::HttpRequest request;
  request.method = method;
  request.url = url;
  request.timeout = options_.timeout;
  request.connect_timeout = std::min(request.connect_timeout, options_.timeout);
  request.response_bytes_max = options_.response_bytes_max;
  request.unpack = true;
  const auto add = [&](const io::HttpHeader& header) {
    if (!io::FindHeader(request.headers, header.name)) request.headers.push_back(header);
  };
  if (io::OriginOf(url) == origin_) {
    if (options_.auth.kind == HttpAuth::Kind::kHeader) add({options_.auth.name, options_.auth.value});
    if (options_.auth.kind == HttpAuth::Kind::kQuery) {
      request.url = io::WithQueryValue(url, options_.auth.name, options_.auth.value);
    }
    for (const auto& header : options_.headers) add(header);
    if (!options_.body.empty() && method != "GET") {
      request.body = options_.body;
      add({"Content-Type", "application/json"});
    }
  }
  add({"Accept", "application/json"});
  for (const auto& header : conditions) add(header);
  return request;
}

PageFetcher::Answer PageFetcher::Fetch(const std::string& url, const std::vector<io::HttpHeader>& conditions,
                                       const std::stop_token& stop) {
  std::string at = url;
  std::string method = options_.method;
  for (int hops = 0;; ++hops) {
    auto response = client_.Send(RequestFor(at, method, conditions), stop);
    const auto location = response.header("Location");
    if (!IsRedirect(response.status) || !location) return {at, std::move(response)};
    const auto refuse = [&](std::string_view why) {
      throw Error(ErrorCode::kData, fmt::format("{} answered {} with a Location that is not followed: {}", Shown(at),
                                                response.status, why));
    };
    const auto target = io::ResolveUrl(at, std::string(*location));
    if (!target) refuse("it is no http or https URL, or holds a user name");
    if (at.starts_with("https:") && !target->starts_with("https:")) refuse("it leads from https to http");
    if (hops >= options_.redirects_max) refuse(fmt::format("there were {} of them already", hops));
    if (BecomesGet(response.status, method)) method = "GET";
    at = *target;
  }
}

std::string PageFetcher::Shown(const std::string& url) const {
  return fmt::format("{} {}", options_.method, io::ShownUrl(url));
}

}  // namespace millrace::source
