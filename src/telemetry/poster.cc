#include "telemetry/poster.h"

#include <fmt/format.h>

#include <utility>

#include "base/clock.h"
#include "base/error.h"

namespace millrace::telemetry {
namespace {

constexpr int kAttempts = 4;
constexpr std::chrono::milliseconds kFirstDelay{500};

/// Those that OTLP says may be tried again; OpenLineage says nothing of it.
bool ComeAgain(int status) { return status == 429 || status == 502 || status == 503 || status == 504; }

}  // namespace

Poster::Poster(Kind kind, Options options)
    : kind_(kind), options_(std::move(options)), client_(io::HttpClient::Options{.ca_file = options_.ca_file}) {
  ExportStarted{kind_}.Emit();
}

void Poster::Took(size_t count) {
  Exported{.kind = kind_, .count = count}.Emit();
  dropping_ = false;
}

void Poster::Drop(size_t count, Loss loss, std::string_view why) {
  Dropped{.kind = kind_, .count = count, .loss = loss, .why = why, .first = !dropping_.exchange(true)}.Emit();
}

std::optional<std::string> Poster::Post(const std::string& body, std::string_view content_type, size_t count,
                                        const std::stop_token& stop) {
  io::HttpRequest request;
  request.method = "POST";
  request.url = options_.url;
  request.timeout = options_.timeout;
  request.headers = options_.headers;
  request.headers.push_back({"Content-Type", std::string(content_type)});
  request.body = body;
  std::string why;
  auto delay = kFirstDelay;
  for (int attempt = 1; attempt <= kAttempts; ++attempt, delay *= 2) {
    if (attempt > 1 && !Clock::System().SleepFor(delay, stop)) break;
    try {
      auto answer = client_.Send(request, stop);
      if (answer.status >= 200 && answer.status < 300) return std::move(answer.body);
      why = fmt::format("the receiver answers {}", answer.status);
      if (ComeAgain(answer.status)) continue;
      Drop(count, Loss::kRefused, why);
      return std::nullopt;
    } catch (const Error& error) {
      why = error.what();
    }
  }
  Drop(count, Loss::kUnreachable, why);
  return std::nullopt;
}

}  // namespace millrace::telemetry
