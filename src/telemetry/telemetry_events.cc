#include "telemetry/telemetry_events.h"

#include "base/log.h"

namespace millrace::telemetry {
namespace {

const Metric& SentOf(Kind kind) { return kind == Kind::kSpans ? kSpansExported : kLineageSent; }
const Metric& DroppedOf(Kind kind) { return kind == Kind::kSpans ? kSpansDropped : kLineageDropped; }
std::string_view NameOf(Kind kind) { return kind == Kind::kSpans ? "spans" : "lineage events"; }

}  // namespace

std::string_view ToString(Loss loss) {
  switch (loss) {
    case Loss::kQueueFull:
      return "queue_full";
    case Loss::kRefused:
      return "refused";
    case Loss::kUnreachable:
      return "unreachable";
  }
  return "refused";
}

void ExportStarted::Emit() const {
  for (const auto loss : {Loss::kQueueFull, Loss::kRefused, Loss::kUnreachable})
    Metrics::Process().Add(DroppedOf(kind), {ToString(loss)}, 0);
  Metrics::Process().Add(SentOf(kind), {}, 0);
}

void Exported::Emit() const {
  Metrics::Process().Add(SentOf(kind), {}, static_cast<double>(count));
  LogDebug("{} {} were sent", count, NameOf(kind));
}

void Dropped::Emit() const {
  Metrics::Process().Add(DroppedOf(kind), {ToString(loss)}, static_cast<double>(count));
  if (first) LogWarning("{} {} are dropped ({}): {}; landing goes on", count, NameOf(kind), ToString(loss), why);
}

}  // namespace millrace::telemetry
