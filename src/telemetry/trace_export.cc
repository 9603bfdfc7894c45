#include "telemetry/trace_export.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace millrace::telemetry {

TraceExport::TraceExport(TraceOptions options, std::string version)
    : options_(std::move(options)),
      version_(std::move(version)),
      poster_(
          Kind::kSpans,
          {.url = options_.url, .headers = options_.headers, .ca_file = options_.ca_file, .timeout = options_.timeout}),
      outbox_({.items_max = options_.queue_max, .batch_max = options_.batch_max, .delay = options_.delay},
              [this](const std::vector<Span>& spans, const std::stop_token& stop) { Send(spans, stop); }) {
  Tracing::SendTo(this);
}

TraceExport::~TraceExport() { Tracing::SendTo(nullptr); }

std::unique_ptr<TraceExport> TraceExport::Make(const GetVariable& get, const std::string& pipeline,
                                               const std::string& version) {
  auto options = ReadTraceOptions(get);
  if (!options) return nullptr;
  auto& resource = options->resource;
  resource.try_emplace("service.version", version);
  resource.try_emplace("process.pid", std::to_string(getpid()));
  resource["millrace.pipeline"] = pipeline;
  return std::make_unique<TraceExport>(std::move(*options), version);
}

/// As OpenTelemetry's TraceIdRatioBased: by the low bytes of the name, so that all who see it decide alike.
bool TraceExport::Samples(const std::array<uint8_t, 16>& trace_id, const RemoteParent* parent) const {
  if (parent != nullptr && options_.parent_based) return parent->sampled;
  uint64_t low = 0;
  for (size_t i = 8; i < 16; ++i) low = low << 8 | trace_id[i];
  constexpr double kAll = 9223372036854775808.0;  // 2^63
  return options_.ratio >= 1 || static_cast<double>(low >> 1) < options_.ratio * kAll;
}

void TraceExport::Take(Span span) noexcept {
  if (!outbox_.Put(std::move(span)))
    poster_.Drop(1, Loss::kQueueFull, "they come faster than the collector takes them");
}

void TraceExport::Send(const std::vector<Span>& spans, const std::stop_token& stop) {
  const auto body = EncodeTraces(spans, options_.resource, version_);
  const auto answer = poster_.Post(body, "application/x-protobuf", spans.size(), stop);
  if (!answer) return;
  const auto refused = std::min(static_cast<size_t>(std::max<int64_t>(RejectedSpans(*answer), 0)), spans.size());
  if (refused < spans.size()) poster_.Took(spans.size() - refused);
  if (refused > 0) poster_.Drop(refused, Loss::kRefused, "the collector took the others of their batch");
}

}  // namespace millrace::telemetry
