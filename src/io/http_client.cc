#include "io/http_client.h"

#include <fmt/format.h>

#include <mutex>
#include <utility>

#include "io/http_exchange.h"
#include "io/http_share.h"
#include "io/outage_patience.h"

namespace millrace::io {
namespace {

/// Handles that are kept with their connections; more may be in use at a time.
constexpr size_t kIdleHandlesMax = 64;

}  // namespace

std::optional<std::string_view> HttpResponse::header(std::string_view name) const { return FindHeader(headers, name); }

class HttpClient::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)) {}

  HttpResponse Send(const HttpRequest& request, std::stop_token stop) {
    auto handle = Take();
    try {
      auto response = HttpExchange(options_, request, *handle).Run(std::move(stop));
      Keep(std::move(handle));
      return response;
    } catch (const HttpFailure&) {
      // Where one kept connection has died, the others most likely have too: each would cost an attempt of its own.
      std::vector<std::unique_ptr<HttpHandle>> dead;  // closed when nobody waits for the lock
      const std::lock_guard lock(mutex_);
      dead.swap(idle_);
      throw;
    }
  }

 private:
  std::unique_ptr<HttpHandle> Take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto handle = std::move(idle_.back());
        idle_.pop_back();
        return handle;
      }
    }
    return std::make_unique<HttpHandle>(share_);
  }

  /// The one used last is used next: the others may go cold.
  void Keep(std::unique_ptr<HttpHandle> handle) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleHandlesMax) idle_.push_back(std::move(handle));
  }

  const Options options_;
  HttpShare share_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<HttpHandle>> idle_;
};

HttpClient::HttpClient() : HttpClient(Options()) {}
HttpClient::HttpClient(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpClient::~HttpClient() = default;

HttpResponse HttpClient::Send(const HttpRequest& request, std::stop_token stop) {
  return impl_->Send(request, std::move(stop));
}

HttpResponse SendTimed(HttpClient& client, const HttpRequest& request,
                       const std::function<void(int status, double seconds)>& told) {
  const auto begin = std::chrono::steady_clock::now();
  const auto tell = [&](int status) {
    told(status, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  };
  try {
    auto response = client.Send(request, OutagePatience::Stop());
    tell(response.status);
    return response;
  } catch (const HttpFailure&) {
    tell(0);
    throw;
  }
}

}  // namespace millrace::io
