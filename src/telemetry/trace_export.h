#pragma once

#include <memory>
#include <string>

#include "base/trace.h"
#include "telemetry/otel_environment.h"
#include "telemetry/outbox.h"
#include "telemetry/poster.h"

namespace millrace::telemetry {

/// Takes the spans of this process and sends them to a collector by OTLP over HTTP, while it lives: in batches, from a
/// thread of its own. What the collector does not take in some attempts is dropped and counted, and so is what finds no
/// room in the queue. At its end it sends what is left, for some seconds.
class TraceExport final : public SpanTaker {
 public:
  TraceExport(TraceOptions options, std::string version);
  ~TraceExport() override;
  TraceExport(const TraceExport&) = delete;
  TraceExport& operator=(const TraceExport&) = delete;

  /// As the variables say; null when they ask for no traces. `pipeline` names it in each of them. Error kConfig as of
  /// ReadTraceOptions.
  static std::unique_ptr<TraceExport> Make(const GetVariable& get, const std::string& pipeline,
                                           const std::string& version);

  bool Samples(const std::array<uint8_t, 16>& trace_id, const RemoteParent* parent) const override;
  void Take(Span span) noexcept override;

 private:
  void Send(const std::vector<Span>& spans, const std::stop_token& stop);

  const TraceOptions options_;
  const std::string version_;
  Poster poster_;
  Outbox<Span> outbox_;  // last: its thread uses the others
};

}  // namespace millrace::telemetry
