#include "api/issuer_keys.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace millrace::api {
namespace {

constexpr std::chrono::seconds kApart(5);
constexpr std::chrono::minutes kEvery(5);
constexpr std::chrono::hours kGoodFor(24);
constexpr int64_t kDocumentBytesMax = int64_t{1} << 20;

}  // namespace

IssuerKeys::IssuerKeys(Options options)
    : options_(std::move(options)),
      client_({.ca_file = options_.ca_file}),
      thread_([this](std::stop_token stop) { Run(std::move(stop)); }) {}

std::shared_ptr<const io::JsonWebKeys> IssuerKeys::Get() const {
  const std::lock_guard lock(mutex_);
  return keys_ && Clock::System().Steady() - fetched_ < kGoodFor ? keys_ : nullptr;
}

bool IssuerKeys::Renew() {
  const std::lock_guard lock(mutex_);
  const bool known = keys_ && !wanted_ && Clock::System().Steady() - fetched_ < kApart;
  if (known) return false;
  wanted_ = true;
  changed_.notify_all();
  return true;
}

void IssuerKeys::Run(std::stop_token stop) {
  std::string trouble;
  while (!stop.stop_requested()) {
    std::shared_ptr<const io::JsonWebKeys> keys;
    std::string failure;
    try {
      keys = Fetch(stop);
    } catch (const Error& error) {
      failure = error.what();
    }
    std::unique_lock lock(mutex_);
    tried_ = Clock::System().Steady();
    if (keys) {
      keys_ = std::move(keys);
      fetched_ = *tried_;
      wanted_ = false;
    } else if (failure != trouble && !stop.stop_requested()) {
      LogWarning("the keys of server.oidc.issuer cannot be fetched: {}; trying again", failure);
    }
    trouble = failure;
    changed_.wait_until(lock, stop, *tried_ + kApart, [] { return false; });
    changed_.wait_until(lock, stop, *tried_ + kEvery, [this] { return wanted_; });
  }
}

std::string IssuerKeys::Document(const std::string& url, const std::stop_token& stop) {
  io::HttpRequest request;
  request.url = url;
  request.headers = {{"Accept", "application/json"}};
  request.response_bytes_max = kDocumentBytesMax;
  request.timeout = std::chrono::seconds(10);
  auto answer = client_.Send(request, stop);
  if (answer.status != 200) {
    throw Error(ErrorCode::kUnavailable, fmt::format("GET {}: status {}, expected 200", url, answer.status));
  }
  return std::move(answer.body);
}

std::shared_ptr<const io::JsonWebKeys> IssuerKeys::Fetch(const std::stop_token& stop) {
  auto base = options_.issuer;
  while (base.ends_with('/')) base.pop_back();
  const auto url = base + "/.well-known/openid-configuration";
  const auto found = nlohmann::json::parse(Document(url, stop), nullptr, false);
  const auto text = [&](const char* name) {
    const auto member = found.is_object() ? found.find(name) : found.end();
    return found.is_object() && member != found.end() && member->is_string() ? member->get<std::string>()
                                                                             : std::string();
  };
  if (text("issuer") != options_.issuer) {
    throw Error(ErrorCode::kUnavailable,
                fmt::format("{} calls its issuer '{}'; server.oidc.issuer must be the same, to the last character", url,
                            text("issuer").substr(0, 200)));
  }
  const auto keys_url = text("jwks_uri");
  if (keys_url.starts_with("http://") && !options_.issuer.starts_with("http://")) {
    throw Error(ErrorCode::kUnavailable, fmt::format("{}: its jwks_uri is not https", url));
  }
  auto keys = io::JsonWebKeys::Parse(Document(keys_url, stop));
  if (keys.size() == 0)
    throw Error(ErrorCode::kUnavailable, fmt::format("{} has no key that can be used here", keys_url));
  return std::make_shared<const io::JsonWebKeys>(std::move(keys));
}

}  // namespace millrace::api
